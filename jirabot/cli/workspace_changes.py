"""`jirabot workspace` for workspaces that are there already: changed, paused, looked at, deleted."""

from datetime import timedelta
from typing import Annotated, Any

import typer

from jirabot.cli import asking, output, running, usage
from jirabot.cli.consent import visit
from jirabot.cli.options import (
    AsJson,
    BaseUrl,
    HowEvents,
    KeyExpires,
    NoValidate,
    OAuthClientId,
    OAuthClientSecret,
    OfAgent,
    Proving,
    ServiceAccountEmail,
    ServiceAccountKey,
    ServiceAccountKeyFile,
    Set,
    ShowSecrets,
    SignIn,
    WebhookSecretFile,
    Yes,
    date_of,
    with_events,
)
from jirabot.cli.secrets import Secrets
from jirabot.cli.workspace import SECRET_PLACES, Name, app, show_object, shown_workspace

__all__ = ["app"]


@app.command(
    cls=usage.Command,
    epilog=usage.examples(
        "jirabot workspace update acme --set label=bot --unset mention",
        "jirabot workspace update acme --svc-acc-api-key -",
    ),
)
def update(
    context: typer.Context,
    name: Name,
    base_url: BaseUrl = "",
    also_known_as: Annotated[
        list[str] | None, typer.Option(metavar="URL", help="Another address of the same Jira; instead of the old ones")
    ] = None,
    svc_acc_email: ServiceAccountEmail = "",
    svc_acc_api_key: ServiceAccountKey = None,
    svc_acc_api_key_file: ServiceAccountKeyFile = None,
    webhook_secret: Annotated[
        str | None, typer.Option(metavar="-", help="From standard input; counts alone at once (see rotate-secret)")
    ] = None,
    webhook_secret_file: WebhookSecretFile = None,
    auth: SignIn = "",
    authenticity: Proving = None,
    events: HowEvents = None,
    svc_acc_expires: KeyExpires = "",
    oauth_client_id: OAuthClientId = "",
    oauth_client_secret: OAuthClientSecret = None,
    agent: OfAgent = "",
    set_: Set = None,
    unset: Annotated[list[str] | None, typer.Option(metavar="KEY", help="A setting to be as configured again")] = None,
    link: Annotated[str, typer.Option(metavar="ACCOUNT", help="Link this account, as an administrator")] = "",
    inactive: Annotated[bool, typer.Option("--inactive", help="Keep deliveries, process none")] = False,
    no_validate: NoValidate = False,
    as_json: AsJson = False,
) -> None:
    """Change a workspace.

    What its Jira has a say in (address, account, person) it is asked about first; where it refuses, nothing is
    changed. Secrets come from standard input (one line each, the API key first) or
    from files; variables are not read, so that no secret changes unasked.
    """
    from jirabot.config import read_changes
    from jirabot.core.managers.workspace_changes import WorkspaceUpdate
    from jirabot.core.people import SHELL

    settings = running.settings_of(context)
    changes = dict(read_changes(with_events(set_, events)))
    secrets = Secrets(settings.environment)
    wanted = WorkspaceUpdate(
        base_url=base_url,
        also_known_as=tuple(also_known_as or ()),
        email=svc_acc_email,
        api_key=secrets.read("API key", svc_acc_api_key, svc_acc_api_key_file),
        webhook_secret=secrets.read("webhook secret", webhook_secret, webhook_secret_file),
        auth=auth,
        key_expires_at=date_of("--svc-acc-expires", svc_acc_expires),
        oauth_client_id=oauth_client_id,
        oauth_client_secret=secrets.read("OAuth client secret", oauth_client_secret, None),
        authenticity=authenticity or "",
        agent=changes.pop("agent", agent),
        settings=changes,
        unset=tuple(unset or ()),
        link=link,
        inactive=inactive,
    )

    async def work(jirabot: Any) -> Any:
        updated = await jirabot.workspace_changes.update(name, wanted, by=SHELL, validate=not no_validate)
        return updated, jirabot.workspaces.as_object(updated.workspace)

    updated, shown = running.run_with(settings, work)
    secret = {"webhook_secret": updated.webhook_secret} if updated.webhook_secret else {}
    _show({**shown, **secret}, as_json=as_json)
    if secret and not as_json:
        output.note("\nThe webhook secret is shown only now: put it into Jira's webhook, with the events URL.")
    for warning in updated.warnings:
        output.warn(warning)
    if wanted.authenticity or wanted.webhook_secret:
        output.note(f"\nJira does not know of that yet: `jirabot webhook register {updated.workspace.name}` tells it.")


@app.command(
    cls=usage.Command,
    epilog=usage.examples("jirabot workspace consent acme", "jirabot workspace consent acme --json"),
)
def consent(context: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Let a workspace's bot work in somebody's name.

    For workspaces that sign in by OAuth. It prints an address. Whoever consents there is shown a code, which this
    command waits for, ten minutes, on standard input. A daemon has to run.
    """
    from jirabot.core.oauth_states import Purpose
    from jirabot.core.people import SHELL

    async def begin(jirabot: Any) -> Any:
        return await jirabot.consent_flow.begin_in_shell(name, Purpose.BOT, by=SHELL)

    done = visit(context, begin)
    shown = {"id": done.workspace.id, "workspace": done.workspace.name, "account": done.account.id}
    output.show({**shown, "name": done.account.label}, as_json=as_json)
    output.note(f"\nThe bot of `{done.workspace.name}` works in the name of {done.account.label} now.")


@app.command(
    cls=usage.Command,
    epilog=usage.examples("jirabot workspace activate acme", "jirabot workspace activate acme --trust"),
)
def activate(
    context: typer.Context,
    name: Name,
    trust: Annotated[bool, typer.Option("--trust", help="Vouch for who claimed it over HTTP, without a proof")] = False,
    as_json: AsJson = False,
) -> None:
    """Work on a workspace's events again, kept ones first."""
    from jirabot.core.people import SHELL

    async def work(jirabot: Any) -> Any:
        workspace, released = await jirabot.workspace_changes.activate(name, trust=trust, by=SHELL)
        return jirabot.workspaces.as_object(workspace), released

    shown, released = running.run(context, work)
    _show(shown, as_json=as_json)
    if released:
        output.note(f"\n{released} kept {'event is' if released == 1 else 'events are'} handled now, in order.")


@app.command(
    cls=usage.Command,
    epilog=usage.examples("jirabot workspace deactivate acme", "jirabot workspace deactivate acme --json"),
)
def deactivate(context: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Keep a workspace's events from now on; work on none.

    Runs go on.
    """
    from jirabot.core.people import SHELL

    async def work(jirabot: Any) -> Any:
        return jirabot.workspaces.as_object(await jirabot.workspace_changes.deactivate(name, by=SHELL))

    shown = running.run(context, work)
    _show(shown, as_json=as_json)
    output.note(f"\nEvents are kept until `jirabot workspace activate {shown['name']}`.")


@app.command(
    "rotate-secret",
    cls=usage.Command,
    epilog=usage.examples(
        "jirabot workspace rotate-secret acme",
        "jirabot workspace rotate-secret acme --overlap 1h --webhook-secret -",
    ),
)
def rotate_secret(
    context: typer.Context,
    name: Name,
    webhook_secret: Annotated[
        str | None, typer.Option(metavar="-", help="The new one, from standard input; generated if not given")
    ] = None,
    webhook_secret_file: WebhookSecretFile = None,
    overlap: Annotated[
        str, typer.Option(metavar="DURATION", help="How long the old one counts too; `0s`: no more at once")
    ] = "24h",
    show_secrets: ShowSecrets = False,
    as_json: AsJson = False,
) -> None:
    """Give a workspace a new webhook secret.

    The old one counts beside it until the overlap ends, so that Jira can be given the new one meanwhile.
    """
    from jirabot.core.objects import instant
    from jirabot.core.people import SHELL

    settings = running.settings_of(context)
    for_long = _duration("--overlap", overlap)
    secret = Secrets(settings.environment).read("webhook secret", webhook_secret, webhook_secret_file)

    async def work(jirabot: Any) -> Any:
        rotated = await jirabot.workspace_changes.rotate_secret(name, by=SHELL, overlap=for_long, secret=secret)
        return rotated, await shown_workspace(jirabot, rotated.workspace, show_secrets=show_secrets)

    rotated, shown = running.run_with(settings, work)
    generated = {"webhook_secret": rotated.webhook_secret} if rotated.webhook_secret else {}
    until = instant(rotated.previous_until)
    _show({**shown, **generated, "previous_secret_until": until}, as_json=as_json)
    if rotated.dropped:
        output.warn("the secret before the old one counted still, and counts no more: only two may count at once")
    if generated:
        output.note(f"\nThe webhook secret is shown only now: {SECRET_PLACES[rotated.workspace.authenticity]}.")
    output.note(f"The old one counts until {until}." if until else "The old one counts no more.")


@app.command(
    cls=usage.Command,
    epilog=usage.examples("jirabot workspace validate acme", "jirabot workspace validate acme --json"),
)
def validate(context: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Ask a workspace's Jira who the bot is, and what it may."""
    from jirabot.core import objects
    from jirabot.core.people import SHELL

    async def work(jirabot: Any) -> Any:
        return await jirabot.workspace_changes.validate(name, by=SHELL)

    found = running.run(context, work, writes=False)
    shown = objects.validation(
        found.workspace,
        found.account,
        found.info,
        found.warnings,
        permissions=found.permissions,
        signs_webhooks=found.signs_webhooks,
        clock_seconds=found.clock_seconds,
        limits=found.limits,
    )
    output.show(shown, as_json=as_json)
    for warning in () if as_json else found.warnings:
        output.warn(warning)


@app.command(
    cls=usage.Command,
    epilog=usage.examples(
        "jirabot workspace delete acme", "jirabot workspace delete acme --keep-webhooks --yes --json"
    ),
)
def delete(
    context: typer.Context,
    name: Name,
    keep_webhooks: Annotated[bool, typer.Option("--keep-webhooks", help="Leave in Jira what jirabot made")] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Delete a workspace and all that belongs to it.

    Stops its runs, removes the webhooks that jirabot made in its Jira, its secrets, checkouts, events and
    conversations. Tells what stays elsewhere.
    """
    from jirabot.core import objects
    from jirabot.core.people import SHELL

    settings = running.settings_of(context)

    async def look(jirabot: Any) -> Any:
        return await jirabot.deletions.holdings(name, by=SHELL)

    held = running.run_with(settings, look, writes=False)
    what = (
        f"delete the workspace `{held.workspace.name}` with {_counted(held.deliveries_count, 'event')}, "
        f"{_counted(len(held.conversations), 'conversation')} and {_counted(held.repositories_count, 'repository')}"
    )
    asking.confirm(what, yes=yes)

    async def work(jirabot: Any) -> Any:
        deleted, removed = await jirabot.deletions.delete(name, by=SHELL, keep_webhooks=keep_webhooks)
        return deleted, removed, jirabot.workspaces.events_url(deleted.workspace)

    deleted, removed, events_url = running.run_with(settings, work)
    stays = objects.remains(
        deleted.issue_keys, deleted.branches, events_url=None if removed.webhook_ids else events_url
    )
    output.show({"id": deleted.workspace.id, "workspace": deleted.workspace.name, **stays}, as_json=as_json)
    if removed.left:
        output.warn(f"jirabot's webhook could not be removed from Jira: {removed.left}")
    webhook = "" if removed.webhook_ids else "the webhook, "
    output.note(f"\nThis stays in Jira and at the git host: {webhook}the bot's comments, and the branches.")


def _counted(count: int, noun: str) -> str:
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{count} {noun if count == 1 else plural}"


def _show(shown: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        output.write_json(shown)
    else:
        show_object(shown, every_setting=False)


def _duration(option: str, text: str) -> timedelta:
    from jirabot.config import duration
    from jirabot.errors import InvalidInput

    try:
        return duration(text)
    except ValueError as error:
        raise InvalidInput(f"`{option} {text}`: {error}", hint=f"give it as `{option} 24h`") from error
