"""`jirabot user`: who may trigger the bot."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from jirabot.cli import asking, consent, output, running, standard_input, usage
from jirabot.cli.options import AsJson, NoValidate, TheWorkspace, Yes
from jirabot.errors import InvalidInput

COLUMNS = ("workspace", "account", "name", "user", "role", "state")

app = usage.group("Who may trigger the bot: links of Jira accounts to users.")


@app.command(
    cls=usage.Command,
    epilog=usage.examples(
        "jirabot user link acme 5b10a2844c20165700ede21g",
        "jirabot user link acme ada@acme.example --user ada --role admin",
        "jirabot user link acme --from people.txt",
        "jirabot user link acme --group 276f955c-63d7-42c8-9520-92d01dca0625",
        "jirabot user link acme --user ada --oauth",
    ),
)
def link(
    context: typer.Context,
    workspace: TheWorkspace,
    account: Annotated[
        str, typer.Argument(metavar="ACCOUNT", help="An account id, user name or key, or an e-mail that finds one")
    ] = "",
    from_: Annotated[
        str, typer.Option("--from", metavar="FILE", help="A file with one account a line; `-` for standard input")
    ] = "",
    group: Annotated[
        str, typer.Option(metavar="ID", help="All members of a group: its id (Cloud) or name (Data Center)")
    ] = "",
    user: Annotated[str, typer.Option(metavar="NAME", help="The jirabot user; the account itself if not given")] = "",
    role: Annotated[Literal["user", "admin"], typer.Option(help="What the link lets the user do")] = "user",
    oauth: Annotated[
        bool, typer.Option("--oauth", help="The person proves in a browser whose the account is; ACCOUNT is optional")
    ] = False,
    no_validate: NoValidate = False,
    as_json: AsJson = False,
) -> None:
    """Let a Jira account trigger the bot, or many: all of them, or none.

    With --oauth it prints an address. Whoever consents there is shown a code, which this command waits for, ten
    minutes, on standard input. A daemon has to run.
    """
    from jirabot.core.people import Role

    _check_one_way(account, from_, group, user=user, no_validate=no_validate, oauth=oauth)
    if oauth:
        _prove(context, workspace, account, user=user, role=Role(role), as_json=as_json)
        return
    text = _read(from_) if from_ else ""
    enrolled, linked_in = running.run(
        context,
        lambda jirabot: _linked(
            jirabot, workspace, account, text=text, group=group, user=user, role=Role(role), validate=not no_validate
        ),
    )
    _show_linked(enrolled, linked_in, many=bool(from_ or group), as_json=as_json)


def _prove(context: typer.Context, workspace: str, account: str, *, user: str, role: Any, as_json: bool) -> None:
    """Link whoever proves in a browser that an account is theirs."""
    from jirabot.core import objects
    from jirabot.core.oauth_states import Purpose
    from jirabot.core.people import SHELL

    async def begin(jirabot: Any) -> Any:
        return await jirabot.consent_flow.begin_in_shell(
            workspace, Purpose.LINK, by=SHELL, user=user, role=role, wanted=account
        )

    done = consent.visit(context, begin)
    output.show(objects.link(done.link, workspace_name=done.workspace.name), as_json=as_json)


def _check_one_way(account: str, from_: str, group: str, *, user: str, no_validate: bool, oauth: bool) -> None:
    if oauth and (from_ or group or no_validate):
        raise InvalidInput("`--oauth` proves one account, and asks Jira", hint="give ACCOUNT and `--user` at most")
    ways = [way for way in (account, from_, group) if way]
    if len(ways) != 1 and not oauth:
        what = "say whom to link" if not ways else "say in one way whom to link"
        raise InvalidInput(what, hint="give an ACCOUNT, `--from FILE`, `--group ID` or `--oauth`")
    if user and not account and not oauth:
        raise InvalidInput("`--user` names one person, and many are linked", hint="leave it out, or give one ACCOUNT")
    if group and no_validate:
        raise InvalidInput("only Jira can tell who is in a group", hint="leave `--no-validate` out")


def _read(file: str) -> str:
    if file == "-":
        return standard_input.read()
    if not Path(file).is_file():
        raise InvalidInput(f"there is no file `{file}`", hint="name a list of accounts, or give `-` for standard input")
    try:
        return Path(file).read_text("utf-8-sig")
    except OSError as error:
        raise InvalidInput(f"`{file}` can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"`{file}` is no text", hint="write one account a line, in UTF-8") from error


async def _linked(
    jirabot: Any, workspace: str, account: str, *, text: str, group: str, user: str, role: Any, validate: bool
) -> Any:
    from jirabot.core.managers.enrolment import Enrolled
    from jirabot.core.people import SHELL

    if account:
        made = await jirabot.users.link(workspace, account, by=SHELL, user=user, role=role, validate=validate)
        enrolled = Enrolled(links=(made,))
    elif group:
        enrolled = await jirabot.enrolment.link_group(workspace, group, by=SHELL, role=role)
    else:
        enrolled = await jirabot.enrolment.link_listed(workspace, text, by=SHELL, role=role, validate=validate)
    return enrolled, (await jirabot.workspaces.show(workspace, by=SHELL))[0]


def _show_linked(enrolled: Any, linked_in: Any, *, many: bool, as_json: bool) -> None:
    from jirabot.core import objects

    shown = [objects.link(link, workspace_name=linked_in.name) for link in enrolled.links]
    if many:
        output.show_list(shown, as_json=as_json, columns=COLUMNS, empty="nobody is linked")
    else:
        output.show(shown[0], as_json=as_json)
    for link in enrolled.links:
        if link.account.id == linked_in.service_account.id:
            output.warn("this is the service account itself: what it writes by hand is heard as this person's")
        if link.account.customer:
            output.warn(f"{link.account.label} is a customer of a service desk, heard only with `--set customers=true`")
    for account in enrolled.left_out:
        output.warn(f"{account.label} was left out: an app, and the service account, are linked by name alone")


@app.command("list", cls=usage.Command, epilog=usage.examples("jirabot user list", "jirabot user list acme --json"))
def list_(
    context: typer.Context,
    workspace: Annotated[str | None, typer.Argument(metavar="WORKSPACE", help="Only of this workspace")] = None,
    as_json: AsJson = False,
) -> None:
    """List the links, newest first."""
    from jirabot.core import objects
    from jirabot.core.people import SHELL

    async def work(jirabot: Any) -> Any:
        return await jirabot.users.list(workspace, by=SHELL)

    shown = [objects.link(link, workspace_name=name) for link, name in running.run(context, work, writes=False)]
    empty = "nobody is linked yet: `jirabot user link WORKSPACE ACCOUNT` links someone"
    output.show_list(shown, as_json=as_json, columns=COLUMNS, empty=empty)


Account = Annotated[str, typer.Argument(metavar="ACCOUNT", help="An account id, user name or e-mail, or a user")]


@app.command(
    cls=usage.Command, epilog=usage.examples("jirabot user show acme ada", "jirabot user show acme ada --json")
)
def show(context: typer.Context, workspace: TheWorkspace, account: Account, as_json: AsJson = False) -> None:
    """Show a link, an ended one too."""
    from jirabot.core import objects
    from jirabot.core.people import SHELL

    async def work(jirabot: Any) -> Any:
        return await jirabot.users.show(workspace, account, by=SHELL)

    found, name = running.run(context, work, writes=False)
    output.show(objects.link(found, workspace_name=name), as_json=as_json)


@app.command(
    cls=usage.Command,
    epilog=usage.examples("jirabot user unlink acme ada", "jirabot user unlink acme 5b10a2844c20165700ede21g --json"),
)
def unlink(context: typer.Context, workspace: TheWorkspace, account: Account, as_json: AsJson = False) -> None:
    """End a link: the account triggers nothing any more."""
    from jirabot.core import objects
    from jirabot.core.people import SHELL

    async def work(jirabot: Any) -> Any:
        return await jirabot.users.unlink(workspace, account, by=SHELL)

    ended, name = running.run(context, work)
    output.show(objects.link(ended, workspace_name=name), as_json=as_json)
    output.note(
        f"\n{ended.account.label} may trigger the bot no more; `jirabot user link {name} {ended.account.id}` undoes it."
    )


@app.command(
    cls=usage.Command,
    epilog=usage.examples("jirabot user forget acme ada", "jirabot user forget acme 5b10a2844c20165700ede21g --yes"),
)
def forget(
    context: typer.Context, workspace: TheWorkspace, account: Account, yes: Yes = False, as_json: AsJson = False
) -> None:
    """Remove what is held of a person.

    Names, e-mails, what they wrote, bodies of events; their link ends. What they asked for keeps its outcome, under a
    pseudonym. Not while a conversation of theirs is open.
    """
    from jirabot.core import objects
    from jirabot.core.people import SHELL

    async def look(jirabot: Any) -> Any:
        return await jirabot.forgetting.look(workspace, account, by=SHELL)

    async def work(jirabot: Any) -> Any:
        return await jirabot.forgetting.forget(workspace, account, by=SHELL)

    if not yes:
        found = running.run(context, look, writes=False)
        asking.confirm(f"forget `{account}` in `{found.workspace_name}` ({found}), which nothing undoes", yes=yes)
    done = running.run(context, work)
    output.show(objects.forgotten(done), as_json=as_json)
    _note_what_is_left(done)


def _note_what_is_left(done: Any) -> None:
    """Say where jirabot can't reach."""
    output.note(
        "\nthey still stand in Jira, which goes on naming them in what it sends, and in backups and logs elsewhere"
    )
    if done.branches:
        output.note(f"and in the commits of {', '.join(done.branches)}")
    if done.beside:
        output.note(f"and in these copies of the database, if it was before: {', '.join(done.beside)}")
    if not done.swept:
        output.warn(
            "somebody reads the database: its log holds what was removed until the daemon, and they, have ended"
        )
