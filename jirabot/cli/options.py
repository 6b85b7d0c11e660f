"""Options that many commands share, declared once."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

import typer

from jirabot.errors import InvalidInput

Kind = Literal["cloud", "dc"]
Way = Literal["hmac", "header", "url-token", "jwt"]
AsJson = Annotated[bool, typer.Option("--json", help="Write the data as JSON")]
BaseUrl = Annotated[str, typer.Option("--base-url", metavar="URL", help="Scheme, host, port and context path")]
Deployment = Annotated[Kind | None, typer.Option("--deployment", help="The kind of Jira; told by *.atlassian.net")]
HowEvents = Annotated[
    Literal["webhook", "poll", "both"] | None,
    typer.Option("--events", help="How events come in: Jira tells of them, or is asked for them"),
]
InWorkspace = Annotated[
    str | None, typer.Option("--workspace", metavar="NAME", help="With `--issue`: the workspace that the issue is in")
]
Limit = Annotated[int, typer.Option("--limit", metavar="N", min=1, max=10_000, help="How many to list at most")]
NoValidate = Annotated[bool, typer.Option("--no-validate", help="Do not ask Jira")]
OfAgent = Annotated[str, typer.Option("--agent", metavar="NAME", help="The agent of this workspace")]
OfWorkspace = Annotated[str | None, typer.Option("--workspace", metavar="NAME", help="Only of this workspace")]
OnIssue = Annotated[str | None, typer.Option("--issue", metavar="KEY", help="The newest on the issue with this key")]
ServiceAccountEmail = Annotated[
    str, typer.Option("--svc-acc-email", metavar="E-MAIL", help="The service account's e-mail (Cloud)")
]
ServiceAccountKey = Annotated[
    str | None, typer.Option("--svc-acc-api-key", metavar="-", help="Its API token or PAT, from standard input")
]
ServiceAccountKeyFile = Annotated[
    Path | None, typer.Option("--svc-acc-api-key-file", metavar="FILE", help="A file with it")
]
Set = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A setting of `[workspace]`, for this one")
]
Proving = Annotated[
    Way | None, typer.Option("--authenticity", help="How webhooks prove themselves; `hmac` where Jira can sign")
]
ShowSecrets = Annotated[
    bool, typer.Option("--show-secrets", help="Show the secret within the events URL, where it stands there")
]
SignIn = Annotated[
    str,
    typer.Option(
        "--auth",
        metavar="METHOD",
        help="How to sign in: `api-token`, `scoped-token`, `oauth` (Cloud), `pat`, `dc-oauth` (dc)",
    ),
]
KeyExpires = Annotated[
    str, typer.Option("--svc-acc-expires", metavar="DATE", help="When that token ends, to be warned ahead: 2027-11-26")
]
OAuthClientId = Annotated[str, typer.Option("--oauth-client-id", metavar="ID", help="The OAuth app of this workspace")]
OAuthClientSecret = Annotated[
    str | None, typer.Option("--oauth-client-secret", metavar="-", help="Its secret, from standard input")
]
TheWorkspace = Annotated[str, typer.Argument(metavar="WORKSPACE", help="The workspace")]
WebhookSecretFile = Annotated[Path | None, typer.Option("--webhook-secret-file", metavar="FILE", help="A file with it")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask")]


def with_events(changes: Sequence[str] | None, events: str | None) -> Sequence[str]:
    """Add what `--events` says to what `--set` does: it is a setting like any other."""
    return [*(changes or ()), *([f"events={events}"] if events else ())]


def date_of(option: str, text: str) -> datetime | None:
    """Read the date that an option was given, in UTC; None where it was not.

    Raises:
        InvalidInput: it is none.
    """
    if not text:
        return None
    try:
        given = datetime.fromisoformat(text)
        return given.astimezone(UTC) if given.tzinfo else given.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise InvalidInput(f"`{option} {text}` is no date", hint=f"give it as `{option} 2027-11-26`") from None


def duration_of(option: str, text: str, *, such_as: str) -> timedelta | None:
    """Read the duration that an option was given; None where it was not.

    Raises:
        InvalidInput: it is none.
    """
    from jirabot.config import duration

    try:
        return duration(text) if text else None
    except ValueError as error:
        raise InvalidInput(f"`{option} {text}`: {error}", hint=f"give it as `{option} {such_as}`") from None


def moment_of(option: str, text: str, *, now: datetime) -> datetime | None:
    """Read the time that an option was given: so long before *now*, or a date or time (UTC where it names no zone).

    Raises:
        InvalidInput: it is none.
    """
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        if "-" in text:
            raise InvalidInput(f"`{option} {text}` is no date", hint=f"give it as `{option} 2026-11-24`") from None
        ago = duration_of(option, text, such_as="7d` or `2026-11-24")
        return now - ago if ago else None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
