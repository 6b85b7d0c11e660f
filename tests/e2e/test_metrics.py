"""`/metrics`: what is counted, and who may ask."""

from collections.abc import Mapping
from datetime import timedelta

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from jirabot.config import LimitsSettings
from jirabot.core.managers.tokens import NewToken
from jirabot.core.people import SHELL, Role

from .stage import Stage

pytestmark = pytest.mark.alike

FROM_AFAR = {"X-Forwarded-For": "203.0.113.7"}
"""As a proxy on this machine tells who asks it."""


async def _samples(stage: Stage) -> Mapping[str, float]:
    """Give each sample by its name and labels, as the text has them."""
    async with aiohttp.ClientSession() as session, session.get(f"{stage.address}/metrics") as answer:
        assert (answer.status, answer.content_type) == (200, "text/plain")
        text = await answer.text()
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}"] = sample.value
    return found


async def _ask(stage: Stage, headers: Mapping[str, str]) -> tuple[int, Mapping[str, str], str]:
    async with aiohttp.ClientSession(headers=headers) as session, session.get(f"{stage.address}/metrics") as answer:
        code = (await answer.json(content_type=None))["code"] if answer.status != 200 else ""
        return answer.status, answer.headers, code


async def test_what_a_mention_leads_to_is_counted(stage: Stage) -> None:
    await stage.comment("@openhands fix login.py")
    await stage.says()
    await stage.says()
    await stage.rest()
    async with aiohttp.ClientSession() as session, session.post(stage.events_url, json={}) as answer:
        assert answer.status == 403

    counted = await _samples(stage)
    assert counted["jirabot_deliveries_total{status=rejected,workspace=acme}"] == 1
    assert counted["jirabot_deliveries_total{status=accepted,workspace=acme}"] >= 3
    assert counted["jirabot_decisions_total{decision=start,reason=started,workspace=acme}"] == 1
    assert counted["jirabot_effects_total{kind=first-answer,state=sent,workspace=acme}"] == 1
    assert counted["jirabot_effects_total{kind=result,state=sent,workspace=acme}"] == 1
    assert counted["jirabot_runs_total{ending=finished}"] == 1
    assert counted["jirabot_jira_calls_total{answer=2xx,workspace=acme}"] > 3
    assert counted["jirabot_first_answer_seconds_count{workspace=acme}"] == 1
    assert 0 < counted["jirabot_first_answer_seconds_sum{workspace=acme}"] < 20
    assert counted["jirabot_deliveries_held{state=received,workspace=acme}"] == 0
    assert counted["jirabot_conversations_open{state=in_progress,workspace=acme}"] == 0
    assert counted["process_resident_memory_bytes{}"] > 0


@pytest.mark.stage(
    settings={
        "limits": LimitsSettings.model_validate(
            {"cloud": {"first_answer": timedelta(microseconds=1)}, "dc": {"first_answer": timedelta(microseconds=1)}}
        )
    }
)
async def test_a_first_answer_that_is_late_is_counted(stage: Stage) -> None:
    await stage.comment("@openhands fix login.py")
    await stage.says()
    await stage.says()
    await stage.comment("@openhands help")
    await stage.says()

    assert (await _samples(stage))["jirabot_first_answer_late_total{workspace=acme}"] == 1


@pytest.mark.stage(
    settings={"limits": LimitsSettings.model_validate({"cloud": {"first_answer": "0s"}, "dc": {"first_answer": "0s"}})}
)
async def test_with_no_limit_no_first_answer_is_late(stage: Stage) -> None:
    await stage.comment("@openhands fix login.py")
    await stage.says()
    await stage.says()

    counted = await _samples(stage)
    assert counted["jirabot_first_answer_seconds_count{workspace=acme}"] == 1
    assert not [name for name in counted if name.startswith("jirabot_first_answer_late")]


async def test_what_was_given_up_and_the_trouble_that_it_is_are_counted(stage: Stage) -> None:
    stage.expected_errors = {"effect.dead", "trouble.begun"}
    stage.jira.faults.add("answer", method="POST", path="/comment$", status=404, times=1)
    await stage.comment("@openhands help")
    await stage.until_stored(lambda tx: tx.troubles.standing() or None)
    await stage.rest()

    counted = await _samples(stage)
    assert counted["jirabot_effects_total{kind=answer,state=dead,workspace=acme}"] == 1
    assert counted["jirabot_effects_held{state=dead,workspace=acme}"] == 1
    assert counted["jirabot_troubles_total{agent=,reason=effect-dead,workspace=acme}"] == 1
    assert counted["jirabot_troubles_standing{agent=,reason=effect-dead,workspace=acme}"] == 1
    assert counted["jirabot_jira_calls_total{answer=404,workspace=acme}"] == 1


async def test_from_elsewhere_it_takes_a_token(stage: Stage) -> None:
    status, headers, code = await _ask(stage, FROM_AFAR)
    assert (status, headers["WWW-Authenticate"], code) == (401, "Bearer", "token-invalid")
    assert headers["Content-Type"].startswith("application/problem+json")
    assert (await _ask(stage, {**FROM_AFAR, "Authorization": "Bearer jbt_unknown"}))[0] == 401

    made = await stage.app.tokens.create(NewToken(name="prometheus", role=Role.USER), by=SHELL)
    bearer = {**FROM_AFAR, "Authorization": f"Bearer {made.secret}"}
    assert (await _ask(stage, bearer))[0] == 200
    await stage.app.tokens.revoke("prometheus", by=SHELL)
    assert (await _ask(stage, bearer))[0] == 401


async def test_a_token_of_one_workspace_is_not_enough(stage: Stage) -> None:
    """The metrics are of all of them."""
    made = await stage.app.tokens.create(NewToken(name="acme", role=Role.ADMIN, workspace="acme"), by=SHELL)

    status, _, code = await _ask(stage, {**FROM_AFAR, "Authorization": f"Bearer {made.secret}"})
    assert (status, code) == (403, "forbidden")


async def test_a_token_that_has_expired_is_none(stage: Stage) -> None:
    short = NewToken(name="short", role=Role.USER, lasts=timedelta(microseconds=1))
    made = await stage.app.tokens.create(short, by=SHELL)

    assert (await _ask(stage, {**FROM_AFAR, "Authorization": f"Bearer {made.secret}"}))[0] == 401
