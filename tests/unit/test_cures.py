"""What an operator is told to do about each reason of an event."""

from dataclasses import replace

import pytest

from jirabot.core.cures import CURES, NONE, of_delivery, of_dry_run
from jirabot.core.decisions import Reason
from jirabot.core.deliveries import Delivery, DeliveryState, Origin, Outcome, Step
from jirabot.core.ids import DeliveryId, IssueId, IssueKey, LaneId

from .values import NOW, WS

pytestmark = pytest.mark.fast

DELIVERY = Delivery(
    id=DeliveryId("0197"),
    no=1,
    workspace_id=WS,
    lane_id=LaneId("ws/10007"),
    kind="comment_created",
    issue_id=IssueId("10007"),
    issue_key=IssueKey("PAY-7"),
    state=DeliveryState.REFUSED,
    decision="refuse",
    reason="not-linked",
    text="Grace Hopper is not linked.",
    steps=(Step(step="account", outcome="not linked", text="grace"),),
    trigger_key=None,
    conversation_id=None,
    attempts=1,
    due_at=NOW,
    received_at=NOW,
    handled_at=NOW,
    replay_of=None,
    origin=Origin.WEBHOOK,
)
UPDATE = "`jirabot workspace update acme"
HEARD = "`jirabot user link acme grace` lets them be heard"
ALL_PROJECTS = f"{UPDATE} --set projects=` for all projects"
SECTION = "add a section `[agents.NAME]` to the configuration"
LINKED = "run `jirabot user link acme grace`"
AGAIN = "then `jirabot event replay 0197 --again` takes this up"
REPLAYED = "then `jirabot event replay 0197` takes this up"
DISCARDED = "`jirabot event discard 0197` puts this away"


def told(reason: str) -> str:
    return of_delivery(replace(DELIVERY, reason=reason), workspace_name="acme")


def test_each_reason_is_decided_about() -> None:
    assert set(CURES) == set(Reason)
    assert {reason for reason, cure in CURES.items() if cure == NONE} == {
        "no-trigger",
        "unknown-event",
        "trigger-removed",
        "not-asked",
        "own-comment",
        "gone",
        "no-longer-asked",
        "caught-up",
        "started",
        "continued",
        "reopened",
        "answered",
        "helped",
        "stopped",
        "nothing-to-stop",
    }


@pytest.mark.parametrize(
    ("reason", "hint"),
    [
        ("not-linked", f"{LINKED}; {AGAIN}"),
        ("link-ended", f"{LINKED}; {AGAIN}"),
        ("app-account", f"{LINKED}; {REPLAYED}"),
        (
            "own-account",
            f"where a person works with the service account, {HEARD}; {REPLAYED}",
        ),
        ("observed", f"{UPDATE} --set mode=act` lets the bot act; {AGAIN}"),
        (
            "other-project",
            f"{UPDATE} --set projects=…,PAY` with the keys of all its projects, or {ALL_PROJECTS}; {REPLAYED}",
        ),
        (
            "not-allowed",
            f"let them have in Jira what `who_may` asks for, or change that: {UPDATE} --set who_may=…`; {AGAIN}",
        ),
        ("customer", f"{UPDATE} --set customers=true` lets customers be heard; {AGAIN}"),
        (
            "no-agent",
            f"{SECTION}, or, where there are several, choose one: {UPDATE} --agent NAME`; {AGAIN}",
        ),
        ("paused", "`jirabot workspace activate acme` works on what was kept"),
        (
            "switched-off",
            "`jirabot status` names the variable: take it away, and start the daemon anew to work on what was kept",
        ),
        ("incomplete", "`jirabot event show 0197 --raw` shows what came"),
        ("too-old", "`jirabot event replay 0197 --again` takes it up all the same"),
        ("already-acted", "`jirabot event replay 0197 --again` acts on it once more"),
        ("given-up", f"`jirabot event retry 0197` tries it once more, and {DISCARDED}"),
        ("gap", "`jirabot event retry 0197` catches up on it, `jirabot event discard 0197` leaves it"),
        ("started", ""),
        ("a reason of another release", ""),
        ("", ""),
    ],
)
def test_what_is_to_be_done_is_told_with_the_names_it_needs(reason: str, hint: str) -> None:
    assert told(reason) == hint


def test_who_is_not_known_any_more_is_left_to_be_filled_in() -> None:
    """The step was not written by the release before."""
    before = replace(DELIVERY, steps=())

    assert of_delivery(before, workspace_name="acme").startswith("run `jirabot user link acme ACCOUNT`; ")


def test_a_name_is_written_so_that_a_shell_takes_it_for_one() -> None:
    odd = replace(DELIVERY, steps=(Step(step="account", outcome="not linked", text="grace; reboot"),))

    assert of_delivery(odd, workspace_name="acme").startswith("run `jirabot user link acme 'grace; reboot'`; ")


def test_what_is_observed_tells_what_would_be_wrong_besides() -> None:
    refused = Step(step="permission", outcome="refused", reason="not-linked")
    observed = replace(DELIVERY, reason="observed", steps=(refused, *DELIVERY.steps))

    hint = of_delivery(observed, workspace_name="acme")

    assert hint == f"{LINKED}; {UPDATE} --set mode=act` lets the bot act; {AGAIN}"


def test_a_replay_that_jira_does_not_confirm_is_no_sign_of_a_forger() -> None:
    replayed = replace(DELIVERY, reason="mismatch", replay_of=DELIVERY.id)
    would = Outcome(state=DeliveryState.DEAD, decision="distrust", reason="mismatch", text="")
    newer = "`jirabot event list` has what Jira told of it last, to be replayed by its id"

    assert told("mismatch").startswith("`jirabot workspace rotate-secret acme` where somebody else may hold ")
    assert of_delivery(replayed, workspace_name="acme") == f"{newer}; {DISCARDED}"
    assert of_dry_run(would, workspace_name="acme") == newer


def test_a_dry_run_has_no_event_to_replay() -> None:
    steps = DELIVERY.steps
    would = Outcome(state=DeliveryState.REFUSED, decision="refuse", reason="not-linked", text="", steps=steps)

    assert of_dry_run(would, workspace_name="acme") == LINKED


def test_where_no_workspace_is_served_nothing_can_be_done() -> None:
    assert of_delivery(DELIVERY, workspace_name="") == ""
