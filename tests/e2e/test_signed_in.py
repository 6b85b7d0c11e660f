"""People whom a real OIDC issuer vouches for: signed in by code flow, linked by an e-mail that is verified and trusted.

The issuer is a process of its own; what its tokens may look like is in `tests/unit/test_identity.py`.
"""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from jirabot.core.people import SHELL, LinkState
from jirabot.sandbox.server import Sandbox

from .stage import Stage, free_port, staged
from .test_api import Callers, calling

CLIENT = "jirabot-web"
BACK = "http://127.0.0.1:1/back"


class Issuer:
    """The issuer, as a person's browser and a client see it."""

    def __init__(self, address: str, client: aiohttp.ClientSession) -> None:
        self.address, self._client = address, client

    async def sign_in(self, subject: str, *, client_id: str = CLIENT, **claims: Any) -> str:
        """Give the token of a person of whom the issuer says that."""
        async with self._client.put(f"{self.address}/users/{subject}", json=claims) as answer:
            assert answer.status == 204
        asked = {"client_id": client_id, "redirect_uri": BACK, "response_type": "code", "scope": "openid email profile"}
        async with self._client.post(
            f"{self.address}/oauth2/authorize", params=asked, data={"sub": subject}, allow_redirects=False
        ) as answer:
            (code,) = parse_qs(urlsplit(answer.headers["Location"]).query)["code"]
        given = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "client_id": client_id}
        async with self._client.post(f"{self.address}/oauth2/token", data={**given, "client_secret": "x"}) as answer:
            return str((await answer.json())["id_token"])


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    pytest.importorskip("uvicorn", reason="the issuer comes with the development dependencies")
    port = free_port()
    command = (sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port))
    quiet = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(*command, stdout=quiet, stderr=asyncio.subprocess.PIPE)
    try:
        async with asyncio.timeout(30), aiohttp.ClientSession() as client:
            assert process.stderr is not None
            async for line in process.stderr:
                if b"running on" in line:
                    break
            yield Issuer(f"http://127.0.0.1:{port}", client)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


@pytest.fixture
async def stage(jira: Sandbox, issuer: Issuer, tmp_path: Path) -> AsyncIterator[Stage]:
    """A stage that trusts the issuer, and in `acme` the e-mail addresses of one domain; nobody is linked."""
    domain = jira.ada.email.rpartition("@")[2]
    oidc = {"issuer": issuer.address, "client_id": CLIENT}
    async with staged(jira, tmp_path, oidc=oidc, workspace={"email_domains": [domain]}) as opened:
        await opened.set_up()
        for link, _ in await opened.app.users.list("acme", by=SHELL):
            await opened.app.users.unlink("acme", link.account.id, by=SHELL)
        yield opened


@pytest.fixture
async def callers(stage: Stage) -> AsyncIterator[Any]:
    async with calling(stage) as make:
        yield make


async def test_a_verified_email_of_a_trusted_domain_is_linked_and_heard(
    stage: Stage, issuer: Issuer, callers: Callers
) -> None:
    """F7: the whole way of this mode, from the token to the answer on the issue."""
    email = stage.jira.ada.email
    ada = await callers(token=await issuer.sign_in("ada-sub", email=email.upper(), email_verified=True))

    assert (await ada.post("link", workspace_name="acme"))[1]["status"] == "active"

    _, shown = await ada.get("link")
    assert (shown["keycloak_user_id"], shown["status"], shown["role"]) == ("ada-sub", "active", "user")
    comment = await stage.comment("@openhands help")
    assert (await stage.outcome(comment)).reason == "helped"
    await stage.says()


async def test_no_other_email_links_anybody(stage: Stage, issuer: Issuer, callers: Callers) -> None:
    """F21: not one that is not verified, of another domain, of nobody, or of an account that is somebody else's."""
    email = stage.jira.ada.email
    foreigner = replace(stage.jira.jira.add_person("Foreigner"), email="foreigner@elsewhere.example")
    stage.jira.jira.people[-1] = foreigner
    told: dict[str, Any] = {
        "unverified": {"email": email, "email_verified": False},
        "unsaid": {"email": email},
        "elsewhere": {"email": foreigner.email, "email_verified": True},
        "within": {"email": f"ada@evil.{email.rpartition('@')[2]}", "email_verified": True},
        "nobody": {"email": f"nobody@{email.rpartition('@')[2]}", "email_verified": True},
    }
    for subject, claims in told.items():
        caller = await callers(token=await issuer.sign_in(subject, **claims))
        status, answer = await caller.post("link", workspace_name="acme")
        assert (status, answer["status"]) == (200, "pending"), subject
    await stage.app.users.link("acme", email, user="somebody", by=SHELL)
    late = await callers(token=await issuer.sign_in("late", email=email, email_verified=True))
    assert (await late.post("link", workspace_name="acme"))[1]["status"] == "pending"
    await stage.app.users.unlink("acme", "somebody", by=SHELL)

    comment = await stage.comment("@openhands help")
    assert (await stage.outcome(comment)).reason == "not-linked"
    await stage.says()


async def test_a_link_that_an_administrator_ended_is_not_made_again(
    stage: Stage, issuer: Issuer, callers: Callers
) -> None:
    """F78: who ended it themselves may ask again."""
    signed_in = await issuer.sign_in("ada-sub", email=stage.jira.ada.email, email_verified=True)
    ada = await callers(token=signed_in)
    for _ in range(2):
        assert (await ada.post("link", workspace_name="acme"))[1]["status"] == "active"
        assert (await ada.post("unlink"))[0] == 200
    assert (await ada.post("link", workspace_name="acme"))[1]["status"] == "active"
    await stage.app.users.unlink("acme", "ada-sub", by=SHELL)

    assert (await ada.post("link", workspace_name="acme"))[1]["status"] == "pending"
    links = await stage.app.users.list("acme", by=SHELL)
    assert {link.state for link, _ in links if link.user_name == "ada-sub"} == {LinkState.PENDING, LinkState.ENDED}


async def test_a_token_for_another_client_is_none(stage: Stage, issuer: Issuer, callers: Callers) -> None:
    token = await issuer.sign_in("ada-sub", client_id="another")
    status, told = await (await callers(token=token)).get("link")
    assert (status, told["code"]) == (401, "token-invalid")
    assert token not in str(told)
