"""What `doctor` finds: for each thing a person would check, whether it is well, and where not, cause and fix. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from jirabot.config import WEBHOOK_SWITCHES
from jirabot.core.breakers import Breaker
from jirabot.core.catching_up import Checkpoint
from jirabot.core.deliveries import Delivery
from jirabot.core.ids import ConversationId
from jirabot.core.issues import ServerInfo
from jirabot.core.pauses import Pause
from jirabot.core.ports import Rejection
from jirabot.core.scopes import agent_in
from jirabot.core.troubles import Placed
from jirabot.core.workspaces import Workspace
from jirabot.errors import ConsentNeeded, JirabotError, JiraRefused

CLOCKS_APART = timedelta(minutes=2)
"""How far Jira's clock may be from ours: tokens that expire, and marks that are looked for, rest on it."""

LEAST_FREE_BYTES = 500 * 1000 * 1000
"""What should be free where data is kept; below a tenth of it nothing may be counted on."""

LATE_LOOKS = 3
"""So many looks at a Jira that did not come are more than a busy moment."""

NEEDED = ("BROWSE_PROJECTS", "ADD_COMMENTS", "EDIT_OWN_COMMENTS")
"""The permissions of Jira that the service account needs. Source: "Permissions", Jira's REST API."""


class Level(StrEnum):
    """How well a thing is."""

    OK = "ok"
    WARNING = "warning"
    """It works, but somebody should know."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at. `fix` is what to do, best a command; empty where all is well."""

    name: str
    level: Level
    text: str
    fix: str = ""
    workspace: str = ""


def failed(name: str, error: JirabotError, *, workspace: str = "", fix: str = "") -> Check:
    """Make a check of an error: its message is the cause, its hint the fix."""
    return Check(name=name, level=Level.FAILED, text=error.message, fix=fix or error.hint, workspace=workspace)


def key(identity: tuple[str, str] | None) -> Check:
    """Say with which master key the secrets open, and where it is kept."""
    if identity is None:
        return Check(name="key", level=Level.OK, text="no secret is stored yet")
    return Check(name="key", level=Level.OK, text=f"the secrets open with the key `{identity[0]}` from {identity[1]}")


def disk(folder: str, free_bytes: int) -> Check:
    """Judge how much room there is."""
    text = f"{free_bytes / 1e9:.1f} GB free for `{folder}`"
    if free_bytes >= LEAST_FREE_BYTES:
        return Check(name="disk", level=Level.OK, text=text)
    level = Level.WARNING if free_bytes >= LEAST_FREE_BYTES // 10 else Level.FAILED
    told = text if level is Level.WARNING else f"the disk is full: {text}"
    return Check(name="disk", level=level, text=told, fix="make room on that disk; nothing acknowledged is lost")


def one_administrator(workspace: str, user: str) -> Check:
    """Say that nobody is left who may change a workspace over HTTP, should one person leave."""
    return Check(
        name="administrators",
        level=Level.WARNING,
        text=f"`{user}` alone administers it over HTTP",
        fix=f"make another with `jirabot user link {workspace} ACCOUNT --user USER --role admin`",
        workspace=workspace,
    )


def clock(workspace: str, info: ServerInfo, now: datetime) -> Check:
    """Compare our clock with Jira's."""
    if info.server_time is None:
        return Check(name="clock", level=Level.OK, text="Jira does not tell its time", workspace=workspace)
    apart = info.server_time - now
    seconds = round(apart.total_seconds())
    if abs(apart) <= CLOCKS_APART:
        return Check(name="clock", level=Level.OK, text=f"{abs(seconds)} s from Jira's", workspace=workspace)
    direction = "behind" if seconds > 0 else "ahead of"
    return Check(
        name="clock",
        level=Level.FAILED,
        text=f"this machine's clock is {abs(seconds)} s {direction} Jira's",
        fix="set this machine's clock by NTP (`timedatectl set-ntp true`)",
        workspace=workspace,
    )


def trouble(value: Placed) -> Check:
    """Tell a trouble that stands."""
    told = value.trouble
    text = f"{told.reason.value} since {told.begun_at:%Y-%m-%d %H:%M:%S} UTC: {told.text}"
    if value.agent:
        text = f"agent `{value.agent}`: {text}"
    return Check(name="trouble", level=Level.FAILED, text=text, fix=told.fix, workspace=value.workspace)


def refusal(workspace: Workspace, error: JiraRefused) -> Check:
    """Tell why Jira refuses the service account: a token, or consent, that once worked has ended, or was taken back."""
    if isinstance(error, ConsentNeeded):
        return failed("jira", error, workspace=workspace.name)
    command = f"`jirabot workspace update {workspace.name} --svc-acc-api-key -`"
    if workspace.service_account.id:
        text = f"{error.message}; its token worked when the workspace was made: it has expired, or was revoked"
    else:
        text = f"{error.message}; its token never worked"
    fix = f"make a new token in Jira and give it with {command}"
    return Check(name="jira", level=Level.FAILED, text=text, fix=fix, workspace=workspace.name)


def pause(value: Pause, *, workspace: str) -> Check:
    """Tell of a pause, which holds new runs back. *workspace*: the name of the one that it is of, if it is of one."""
    agent = agent_in(value.scope)
    what = "the workspace" if workspace else f"the agent `{agent}`" if agent else "everything"
    text = f"no new run begins: {what} is paused, by {value.paused_by} since {value.paused_at:%Y-%m-%d %H:%M:%S} UTC"
    fix = f"`jirabot resume {resumed(value, workspace=workspace)}` lets them begin"
    return Check(name="pause", level=Level.WARNING, text=text, fix=fix, workspace=workspace)


def no_repository(conversation_id: ConversationId, *, workspace: str) -> Check:
    """Tell that work could not begin, for want of a repository."""
    added = f"`jirabot repo add {workspace} NAME --url GIT_URL`"
    fix = f"{added}; then `jirabot conversation retry {conversation_id}` begins it"
    text = "the work could not begin: no repository is set up"
    return Check(name="repository", level=Level.WARNING, text=text, fix=fix, workspace=workspace)


def breaker(value: Breaker) -> Check:
    """Tell of an agent that fails whoever asks, and so is left alone for a while."""
    text = f"no new run begins: the agent `{value.agent}` fails since {value.opened_at:%Y-%m-%d %H:%M:%S} UTC"
    tries = f"one run tries from {value.due_at:%H:%M:%S} UTC on, or now after `jirabot resume --agent {value.agent}`"
    fix = f"look at `[agents.{value.agent}]` and its service; {tries}"
    return Check(name="agent", level=Level.WARNING, text=text, fix=fix)


def later(due_at: datetime) -> Check:
    """Tell of a run that is to begin at a time."""
    text = f"the run is tried again at {due_at:%Y-%m-%d %H:%M:%S} UTC"
    return Check(name="due", level=Level.OK, text=text, fix="it begins by itself")


def turn(at_work_count: int) -> Check:
    """Tell of a run that waits until others have ended."""
    agents = "1 agent is" if at_work_count == 1 else f"{at_work_count} agents are"
    fix = "it begins by itself; `[runs]` says how many may at once"
    return Check(name="turn", level=Level.OK, text=f"the run waits for its turn: {agents} at work", fix=fix)


def resumed(value: Pause, *, workspace: str) -> str:
    """Name what a pause holds back, as it is typed after `jirabot resume`."""
    agent = agent_in(value.scope)
    return workspace or (f"--agent {agent}" if agent else "--all")


def switched_off(deployment: str) -> Check:
    """Tell that a variable keeps what Jira sends from being worked on."""
    text = f"webhooks of `{deployment}` are switched off by `{WEBHOOK_SWITCHES[deployment]}`: what comes is kept"
    fix = "take that variable away and start the daemon anew: then what was kept is worked on, too"
    return Check(name="webhooks", level=Level.WARNING, text=text, fix=fix)


def permissions(workspace: str, held: frozenset[str], needed: Sequence[str]) -> Check:
    """Say which rights of those *needed* the service account lacks."""
    lacking = [name for name in needed if name not in held]
    if not lacking:
        return Check(name="permissions", level=Level.OK, text="may browse, comment and edit", workspace=workspace)
    return Check(
        name="permissions",
        level=Level.FAILED,
        text=f"the service account lacks {', '.join(lacking)}",
        fix="grant it in the project's permission scheme, `USER_PICKER` in the global permissions",
        workspace=workspace,
    )


def looks(workspace: str, known: Checkpoint | None, every: timedelta, now: datetime) -> Check:
    """Judge how long ago its Jira was looked through, where that is to happen every so often."""
    looked_at = known.looked_at if known else None
    last = looked_at or (known.calls_since if known else now)
    text = f"asked last at {looked_at:%Y-%m-%d %H:%M:%S} UTC" if looked_at else "not asked yet"
    text = f"for what no webhook told, its Jira was {text}"
    if now - last <= every * LATE_LOOKS:
        return Check(name="catch-up", level=Level.OK, text=text, workspace=workspace)
    fix = "see that `jirabot serve` runs: it asks for what was missed, up to a day of it by itself"
    return Check(name="catch-up", level=Level.WARNING, text=text, fix=fix, workspace=workspace)


def webhook(workspace: Workspace, events_url: str, newest: Delivery | None, rejections: Sequence[Rejection]) -> Check:
    """Judge by what came to a workspace's door: nothing, only what did not prove itself, or deliveries."""
    rejected = rejections[0] if rejections else None
    if rejected is not None and (newest is None or rejected.at > newest.received_at):
        return Check(
            name="webhook",
            level=Level.FAILED,
            text=f"the newest request, of {rejected.at:%Y-%m-%d %H:%M:%S} UTC from {rejected.remote}, "
            f"did not prove itself: {rejected.cause}",
            fix=f"`jirabot webhook register {workspace.name}` gives Jira the secret that counts; where it may not, put "
            f"that of `jirabot workspace rotate-secret {workspace.name}` into Jira's webhook",
            workspace=workspace.name,
        )
    if newest is None:
        return Check(
            name="webhook",
            level=Level.FAILED,
            text="no webhook has ever arrived",
            fix=f"`jirabot webhook register {workspace.name}` lets Jira send comments and issue updates to "
            f"{events_url}; see that Jira reaches that address",
            workspace=workspace.name,
        )
    text = f"the newest came {newest.received_at:%Y-%m-%d %H:%M:%S} UTC"
    return Check(name="webhook", level=Level.OK, text=text, workspace=workspace.name)
