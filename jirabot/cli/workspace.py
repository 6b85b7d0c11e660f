"""`jirabot workspace`: the Jira sites that are served."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jirabot.cli import asking, output, running, usage
from jirabot.cli.options import (
    AsJson,
    BaseUrl,
    Deployment,
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
    date_of,
    with_events,
)
from jirabot.cli.secrets import API_KEY_VARIABLE, WEBHOOK_SECRET_VARIABLE, Secrets

if TYPE_CHECKING:
    from jirabot.config import Settings

app = usage.group("The Jira sites that jirabot serves.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The workspace")]


@app.command(
    cls=usage.Command,
    epilog=usage.examples(
        "jirabot workspace create acme.atlassian.net --svc-acc-email bot@acme.example --svc-acc-api-key -",
        "jirabot workspace create acme --deployment dc --base-url https://jira.acme.example/jira \\",
        "    --svc-acc-api-key-file pat.txt",
    ),
)
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What you call it; for Cloud best its host")] = "",
    deployment: Deployment = None,
    base_url: BaseUrl = "",
    also_known_as: Annotated[
        list[str] | None, typer.Option(metavar="URL", help="Another address of the same Jira")
    ] = None,
    svc_acc_email: ServiceAccountEmail = "",
    svc_acc_api_key: ServiceAccountKey = None,
    svc_acc_api_key_file: ServiceAccountKeyFile = None,
    webhook_secret: Annotated[
        str | None, typer.Option(metavar="-", help="From standard input; generated if not given")
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
    link: Annotated[str, typer.Option(metavar="ACCOUNT", help="Link this account at once, as an administrator")] = "",
    inactive: Annotated[bool, typer.Option("--inactive", help="Keep deliveries, process none")] = False,
    no_validate: NoValidate = False,
    show_secrets: ShowSecrets = False,
    as_json: AsJson = False,
) -> None:
    """Serve a Jira site, after asking it who the bot is.

    Secrets come from standard input (one line each, the API key first), from files, or from JIRABOT_SVC_ACC_API_KEY
    and JIRABOT_WEBHOOK_SECRET. A terminal is asked for what is missing.
    """
    from jirabot.config import read_changes
    from jirabot.core.managers.workspaces import NewWorkspace
    from jirabot.core.people import SHELL

    settings = running.settings_of(context)
    changes = dict(read_changes(with_events(set_, events)))
    secrets = Secrets(settings.environment)
    wanted = NewWorkspace(
        name=name,
        deployment=deployment or "",
        base_url=base_url,
        also_known_as=tuple(also_known_as or ()),
        email=svc_acc_email,
        api_key=secrets.read("API key", svc_acc_api_key, svc_acc_api_key_file, variable=API_KEY_VARIABLE),
        webhook_secret=secrets.read(
            "webhook secret", webhook_secret, webhook_secret_file, variable=WEBHOOK_SECRET_VARIABLE
        ),
        auth=auth,
        key_expires_at=date_of("--svc-acc-expires", svc_acc_expires),
        oauth_client_id=oauth_client_id,
        oauth_client_secret=secrets.read("OAuth client secret", oauth_client_secret, None),
        authenticity=authenticity or "",
        agent=changes.pop("agent", agent),
        settings=changes,
        link=link,
        active=not inactive,
        validate=not no_validate,
    )

    def lacking(wanted: NewWorkspace) -> Sequence[str]:
        async def work(jirabot: Any) -> Any:
            return jirabot.workspaces.lacking(wanted)

        return running.run_with(settings, work)

    complete = asking.complete(wanted, lacking)

    async def work(jirabot: Any) -> Any:
        made = await jirabot.workspaces.create(complete, by=SHELL)
        return made, await shown_workspace(jirabot, made.workspace, show_secrets=show_secrets)

    made, shown = running.run_with(settings, work)
    show_created(settings, made, shown, as_json=as_json, ask=not (link or no_validate))


def show_created(settings: "Settings", made: Any, shown: dict[str, Any], *, as_json: bool, ask: bool) -> None:
    """Show a new workspace and what is missing; *ask* a person who is there for their own account first."""
    secret = {"webhook_secret": made.webhook_secret} if made.webhook_secret else {}
    if as_json:
        _write({**shown, **secret}, made.missing)
        _tell(made)
        return
    show_object({**shown, **secret}, every_setting=False)
    if secret:
        place = SECRET_PLACES[made.workspace.authenticity]
        output.note(f"\nThe webhook secret is shown only now: {place}.")
    _tell(made)
    _show_missing(_link_own(settings, made) if ask and asking.is_possible() else made.missing)


SECRET_PLACES = {
    "hmac": "put it into Jira's webhook, with the events URL, or let `jirabot webhook register` do it",
    "header": "put it into the header `events_header` of Automation's web request, with the events URL",
    "url-token": "it is the last part of the events URL, which `jirabot webhook register` gives to Jira",
    "jwt": "it is the client secret of the OAuth app",
}
"""Where a webhook secret belongs, by how deliveries prove themselves."""


async def shown_workspace(jirabot: Any, workspace: Any, *, show_secrets: bool) -> dict[str, Any]:
    """Give a workspace's object; with *show_secrets* its events URL as Jira has to be given it."""
    from jirabot.core.people import SHELL

    url = await jirabot.workspaces.unmasked_events_url(workspace, by=SHELL) if show_secrets else ""
    shown: dict[str, Any] = jirabot.workspaces.as_object(workspace, events_url=url)
    return shown


def _tell(made: Any) -> None:
    """Tell what is to be known of a new workspace's Jira and service account."""
    for warning in made.warnings:
        output.warn(warning)
    bot, name = made.workspace.service_account, made.workspace.name
    if made.link is not None and made.link.account.id == bot.id:
        output.warn(f"{bot.label} is the service account and a linked person: what they write by hand is heard")
    elif bot.id and not bot.app:
        output.note(
            f"\nThe bot speaks as {bot.label}. If that is a person's own account, what they write is heard only once "
            f"it is linked: jirabot user link {name} {bot.id}"
        )


def _link_own(settings: "Settings", made: Any) -> Any:
    """Ask for the account of whoever sits there and link it; gives what is missing now."""
    from jirabot.core.people import SHELL, Role

    own = asking.question("\nYour own Jira account, to be linked (id, user name or e-mail; nothing: not now)")
    if not own:
        return made.missing

    async def work(jirabot: Any) -> Any:
        link = await jirabot.users.link(made.workspace.name, own, by=SHELL, role=Role.ADMIN)
        return link, await jirabot.workspaces.show(made.workspace.name, by=SHELL)

    link, (_, missing) = running.run_with(settings, work)
    output.note(f"{link.account.label} may trigger the bot now.")
    return missing


@app.command(
    "list", cls=usage.Command, epilog=usage.examples("jirabot workspace list", "jirabot workspace list --json")
)
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List the workspaces, newest first."""
    from jirabot.core.people import SHELL

    async def work(jirabot: Any) -> list[dict[str, Any]]:
        return [jirabot.workspaces.as_object(workspace) for workspace in await jirabot.workspaces.list(by=SHELL)]

    shown = running.run(context, work, writes=False)
    columns = ("name", "deployment", "base_url", "state", "agent", "id")
    empty = "no workspace yet: `jirabot workspace create NAME` makes one"
    output.show_list(shown, as_json=as_json, columns=columns, empty=empty)


@app.command(
    cls=usage.Command, epilog=usage.examples("jirabot workspace show acme", "jirabot workspace show acme --json")
)
def show(context: typer.Context, name: Name, show_secrets: ShowSecrets = False, as_json: AsJson = False) -> None:
    """Show a workspace, its settings, and what is still missing."""
    from jirabot.core import objects
    from jirabot.core.people import SHELL

    async def work(jirabot: Any) -> Any:
        workspace, missing = await jirabot.workspaces.show(name, by=SHELL)
        pauses = [objects.pause(pause) for pause in await jirabot.workspaces.pauses(name, by=SHELL)]
        looked = objects.looked(await jirabot.catch_up.checkpoint(name, by=SHELL))
        shown = await shown_workspace(jirabot, workspace, show_secrets=show_secrets)
        return {**shown, **looked, "pauses": pauses}, missing

    shown, missing = running.run(context, work, writes=False)
    if as_json:
        _write(shown, missing)
    else:
        pauses = shown.pop("pauses")
        show_object(shown, every_setting=True)
        for pause in pauses:
            output.note(f"\nNo new run begins: {PAUSED[pause['of']]} is paused, by {pause['by']} at {pause['at']}.")
        _show_missing(missing)


PAUSED = {"all": "everything", "workspace": "this workspace", "agent": "its agent"}
"""How a person is told what a pause holds back."""


def _write(shown: dict[str, Any], missing: Any) -> None:
    told = [{"what": item.what, "text": item.text, "command": item.command} for item in missing]
    output.write_json({**shown, "missing": told})


def show_object(shown: dict[str, Any], *, every_setting: bool) -> None:
    """Show a workspace to people; of its settings all, or those that differ from the defaults."""
    plain = {name: value for name, value in shown.items() if name != "settings"}
    settings = {
        name: f"{output.plain(setting['value'])} ({setting['origin']})"
        for name, setting in shown["settings"].items()
        if every_setting or setting["origin"] != "default"
    }
    output.show({**plain, **settings}, as_json=False)


def _show_missing(missing: Any) -> None:
    if missing:
        output.note("\nStill missing for a first answer:")
    for item in missing:
        output.note(f"  - {item.text}: {item.command}")
