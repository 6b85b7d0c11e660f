"""A Jira is known by its whole base URL, and many are served side by side."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from jirabot.app import App, open_app
from jirabot.core.managers.workspaces import NewWorkspace
from jirabot.core.people import SHELL
from jirabot.errors import WorkspaceExists, WorkspaceNotFound
from jirabot.sandbox.server import Sandbox
from tests.e2e.stage import settings_for


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    async with open_app(settings_for(tmp_path)) as opened:
        yield opened


async def create(app: App, name: str, base_url: str, token: str = "token", *, validate: bool = False) -> None:
    wanted = NewWorkspace(name=name, deployment="dc", base_url=base_url, api_key=token, validate=validate)
    await app.workspaces.create(wanted, by=SHELL)


async def test_f68_three_data_centers_are_asked_each_with_its_own_token(app):
    async with (
        Sandbox(deployment="dc", dc_version="8.20.30") as first,
        Sandbox(deployment="dc", dc_version="9.12.15", context_path="") as second,
        Sandbox(deployment="dc", dc_version="11.3.0", context_path="/tools/jira") as third,
    ):
        every = {"first": first, "second": second, "third": third}
        for name, jira in every.items():
            await create(app, name, jira.base_url, jira.bot.token, validate=True)
        for served in await app.directory.all():
            await app.directory.site(served).myself()

        for jira in every.values():
            assert {request.actor for request in jira.requests if request.path.endswith("/myself")} == {jira.bot}
        for name, jira in every.items():
            found = await app.directory.at("dc", [jira.base_url])
            assert found is not None
            assert found.workspace.name == name


SAME_HOST = {
    "plain": "https://jira.acme.example",
    "port": "https://jira.acme.example:8443",
    "path": "https://jira.acme.example/jira",
    "other path": "https://jira.acme.example/jira2",
}


async def test_f39_port_and_context_path_tell_jiras_of_one_host_apart(app):
    for name, base_url in SAME_HOST.items():
        await create(app, name.replace(" ", "-"), base_url)

    for name, base_url in SAME_HOST.items():
        found = await app.directory.at("dc", [base_url])
        assert found is not None
        assert found.workspace.name == name.replace(" ", "-")
    with pytest.raises(WorkspaceNotFound):
        await app.directory.at("dc", ["https://jira.acme.example:9443"])


@pytest.mark.parametrize(
    "base_url", ["HTTPS://Jira.Acme.Example/", "https://jira.acme.example:443", "https://jira.acme.example//"]
)
async def test_f39_another_spelling_of_a_base_url_is_the_same_jira(app, base_url):
    await create(app, "acme", "https://jira.acme.example")
    with pytest.raises(WorkspaceExists):
        await create(app, "again", base_url)
