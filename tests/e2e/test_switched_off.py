"""The reference's variables switch the webhooks of a deployment off: what comes is kept until they are on again."""

from pathlib import Path

import pytest

from jirabot.app import open_app
from jirabot.core.deliveries import DeliveryState
from jirabot.sandbox.server import Sandbox

from .stage import WITHIN_SECONDS, Log, Stage, running, settings_for, staged


async def test_what_came_while_webhooks_were_off_is_answered_once_they_are_on(jira: Sandbox, tmp_path: Path) -> None:
    """Jira gets 200 and `paused`; the daemon that starts with them on takes up what was kept, in order."""
    async with staged(jira, tmp_path, switched_off=frozenset({jira.deployment})) as stage:
        await stage.set_up()
        await stage.comment("@openhands help")
        await jira.settled(WITHIN_SECONDS)
        kept = await stage.deliveries()
        assert await stage.app.catch_up.next_due_seconds() is None

    assert {delivery.status for delivery in jira.deliveries} == {200}
    assert len(kept) == len(jira.deliveries)
    assert {(each.state, each.reason) for each in kept} == {(DeliveryState.PAUSED, "switched-off")}
    assert {each.text for each in kept} == {
        f"Webhooks of `{jira.deployment}` are switched off by a variable of the environment: kept, not processed"
    }
    log = Log()
    async with open_app(settings_for(tmp_path), log=log) as app, running(app):
        on = Stage(jira, app, stage.repository, log)
        on.issue = stage.issue
        assert "this is what you can ask of me" in (await on.says()).text
        await on.check()


@pytest.mark.parametrize("jira", ["cloud"], indirect=True)
@pytest.mark.stage(settings={"switched_off": frozenset({"dc"})})
async def test_the_other_deployment_goes_on(stage: Stage) -> None:
    """Each variable is of one deployment."""
    await stage.comment("@openhands help")

    assert "this is what you can ask of me" in (await stage.says()).text
