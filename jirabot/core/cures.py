"""What an operator can do about the reason of an event: the commands that mend its cause, and that take it up. Pure."""

import shlex
from collections.abc import Mapping
from typing import NamedTuple

from jirabot.core.decisions import Reason
from jirabot.core.deliveries import Delivery, Outcome, unlinked_account


class Cure(NamedTuple):
    """What there is to be done: `cause` mends why it came to this, `event` says what becomes of the event itself.

    Both name what is known of it: `{workspace}`, `{account}`, `{project}`, `{event}`. Empty: nothing of that kind.
    """

    cause: str = ""
    event: str = ""


NONE = Cure()
"""No command would change anything: it went as it should, or what would help happens in Jira."""

_AGAIN = "then `jirabot event replay {event} --again` takes this up"
"""Of what counts as acted on, since it was answered or observed."""
_REPLAY = "then `jirabot event replay {event}` takes this up"
_LINK = "run `jirabot user link {workspace} {account}`"
_DISCARD = "`jirabot event discard {event}` puts this away"

CURES: Mapping[str, Cure] = {
    Reason.NO_TRIGGER: NONE,
    Reason.UNKNOWN_EVENT: NONE,
    Reason.INCOMPLETE: Cure(event="`jirabot event show {event} --raw` shows what came"),
    Reason.TRIGGER_REMOVED: NONE,
    Reason.NOT_ASKED: NONE,
    Reason.OWN_COMMENT: NONE,
    Reason.OWN_ACCOUNT: Cure(
        cause="where a person works with the service account, `jirabot user link {workspace} {account}` lets them be "
        "heard",
        event=_REPLAY,
    ),
    Reason.APP_ACCOUNT: Cure(cause=_LINK, event=_REPLAY),
    Reason.ALREADY_ACTED: Cure(event="`jirabot event replay {event} --again` acts on it once more"),
    Reason.OBSERVED: Cure(cause="`jirabot workspace update {workspace} --set mode=act` lets the bot act", event=_AGAIN),
    Reason.GONE: NONE,
    Reason.NO_LONGER_ASKED: NONE,
    Reason.OTHER_PROJECT: Cure(
        cause="`jirabot workspace update {workspace} --set projects=…,{project}` with the keys of all its projects, or "
        "`jirabot workspace update {workspace} --set projects=` for all projects",
        event=_REPLAY,
    ),
    Reason.NOT_LINKED: Cure(cause=_LINK, event=_AGAIN),
    Reason.LINK_ENDED: Cure(cause=_LINK, event=_AGAIN),
    Reason.NOT_ALLOWED: Cure(
        cause="let them have in Jira what `who_may` asks for, or change that: `jirabot workspace update {workspace} "
        "--set who_may=…`",
        event=_AGAIN,
    ),
    Reason.CUSTOMER: Cure(
        cause="`jirabot workspace update {workspace} --set customers=true` lets customers be heard", event=_AGAIN
    ),
    Reason.PERMISSION_UNREADABLE: Cure(
        cause="`jirabot status` tells what Jira refuses, and how that is mended", event=_AGAIN
    ),
    Reason.NO_AGENT: Cure(
        cause="add a section `[agents.NAME]` to the configuration, or, where there are several, choose one: "
        "`jirabot workspace update {workspace} --agent NAME`",
        event=_AGAIN,
    ),
    Reason.OTHER_AUDIENCE: Cure(
        event="once the conversation is over, `jirabot event replay {event} --again` takes this up"
    ),
    Reason.TOO_OLD: Cure(event="`jirabot event replay {event} --again` takes it up all the same"),
    Reason.HOST_MISMATCH: Cure(
        cause="where that is the same Jira, `jirabot workspace update {workspace} --also-known-as URL` names its other "
        "addresses, all of them",
        event=_REPLAY,
    ),
    Reason.MISMATCH: Cure(
        cause="`jirabot workspace rotate-secret {workspace}` where somebody else may hold the webhook secret",
        event=_DISCARD,
    ),
    Reason.INVALID_PAYLOAD: Cure(event="`jirabot event show {event} --raw` shows what came, and " + _DISCARD),
    Reason.GIVEN_UP: Cure(event="`jirabot event retry {event}` tries it once more, and " + _DISCARD),
    Reason.TRY_AGAIN: Cure(event="`jirabot event retry {event}` tries it now"),
    Reason.PAUSED: Cure(cause="`jirabot workspace activate {workspace}` works on what was kept"),
    Reason.SWITCHED_OFF: Cure(
        cause="`jirabot status` names the variable: take it away, and start the daemon anew to work on what was kept"
    ),
    Reason.DISCARDED: Cure(event="`jirabot event replay {event} --again` takes it up after all"),
    Reason.GAP: Cure(event="`jirabot event retry {event}` catches up on it, `jirabot event discard {event}` leaves it"),
    Reason.CAUGHT_UP: NONE,
    Reason.STARTED: NONE,
    Reason.CONTINUED: NONE,
    Reason.REOPENED: NONE,
    Reason.ANSWERED: NONE,
    Reason.HELPED: NONE,
    Reason.STOPPED: NONE,
    Reason.NOTHING_TO_STOP: NONE,
}
"""What can be done about each reason; a new one has to be decided about."""

_OUT_OF_DATE = Cure(
    cause="`jirabot event list` has what Jira told of it last, to be replayed by its id", event=_DISCARD
)
"""Of a mismatch, where the event was replayed."""


def names_account(reason: Reason) -> bool:
    """Say whether what can be done about a reason names who asked."""
    return "{account}" in CURES[reason].cause


def of_delivery(value: Delivery, *, workspace_name: str) -> str:
    """Say what an operator can do about what a delivery led to; empty: nothing."""
    cure = _of(value.reason, replayed=value.replay_of is not None)
    return _told(cure, value, workspace_name=workspace_name, event_id=value.id)


def of_dry_run(value: Outcome, *, workspace_name: str) -> str:
    """Say what an operator could do about what a delivery would lead to; empty: nothing, or no workspace is served."""
    return _told(_of(value.reason, replayed=True), value, workspace_name=workspace_name, event_id="")


def _of(reason: str, *, replayed: bool) -> Cure:
    return _OUT_OF_DATE if replayed and reason == Reason.MISMATCH else CURES.get(reason, NONE)


def _told(cure: Cure, value: Delivery | Outcome, *, workspace_name: str, event_id: str) -> str:
    if not workspace_name:
        return ""
    # Where a workspace observes, what is refused would be refused as well once it acts.
    refused = [CURES.get(step.reason, NONE).cause for step in value.steps if step.outcome == "refused"]
    told = dict.fromkeys([*refused, cure.cause, cure.event if event_id else ""])
    return "; ".join(each for each in told if each).format(
        workspace=workspace_name,
        account=shlex.quote(unlinked_account(value.steps) or "ACCOUNT"),
        project=shlex.quote((value.issue_key or "").rpartition("-")[0] or "KEY"),
        event=event_id,
    )
