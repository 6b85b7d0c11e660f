"""The root of the command line, and the one place where errors become exit codes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from jirabot import __version__
from jirabot.cli import (
    audit,
    conversation,
    db,
    demo,
    doctor,
    event,
    init,
    key,
    outbox,
    output,
    pause,
    replay,
    repo,
    sandbox,
    serve,
    status,
    token,
    usage,
    user,
    webhook,
    workspace_changes,
)
from jirabot.cli import config as config_commands
from jirabot.cli.exits import Exit, tell
from jirabot.errors import CommandFailed, InvalidInput, JirabotError

app = typer.Typer(
    name="jirabot",
    help="Put a coding agent to work from Jira: `@openhands fix this` in a comment.",
    epilog=usage.examples("jirabot demo", "jirabot workspace create acme.atlassian.net"),
    invoke_without_command=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("init", cls=usage.Command, epilog=init.EXAMPLES)(init.init)
app.command("serve", cls=usage.Command, epilog=serve.EXAMPLES)(serve.serve)
app.command(
    "demo",
    cls=usage.Command,
    short_help="Show the whole loop on this machine, with a small Jira.",
    epilog=demo.EXAMPLES,
)(demo.demo)
app.command("sandbox", cls=usage.Command, epilog=sandbox.EXAMPLES)(sandbox.sandbox)
app.command("replay", cls=usage.Command, epilog=replay.EXAMPLES)(replay.replay)
app.command("status", cls=usage.Command, epilog=status.EXAMPLES)(status.status)
app.command("pause", cls=usage.Command, epilog=pause.PAUSE_EXAMPLES)(pause.pause)
app.command("resume", cls=usage.Command, epilog=pause.RESUME_EXAMPLES)(pause.resume)
app.command("doctor", cls=usage.Command, epilog=doctor.EXAMPLES)(doctor.doctor)
app.add_typer(workspace_changes.app, name="workspace")
app.add_typer(webhook.app, name="webhook")
app.add_typer(user.app, name="user")
app.add_typer(repo.app, name="repo")
app.add_typer(event.app, name="event")
app.add_typer(conversation.app, name="conversation")
app.add_typer(outbox.app, name="outbox")
app.add_typer(db.app, name="db")
app.add_typer(audit.app, name="audit")
app.add_typer(token.app, name="token")
app.add_typer(key.app, name="key")
app.add_typer(config_commands.app, name="config")


def _version(wanted: bool) -> None:
    if wanted:
        output.lines([f"jirabot {__version__}"])
        raise typer.Exit


def _folder(text: str) -> Path:
    """Read a folder's path; an empty one would be the current folder."""
    if not text:
        raise InvalidInput("`--data-dir` is empty: it is the path of a folder")
    try:
        return Path(text).expanduser()
    except RuntimeError:
        hint = "give the whole path, from `/` on"
        raise InvalidInput(f"`--data-dir {text}` begins with the home of somebody unknown", hint=hint) from None


@app.callback()
def root(
    context: typer.Context,
    config: Annotated[
        Path | None,
        # Whether it may be read is said by who reads it.
        typer.Option("--config", metavar="FILE", readable=False, help="The configuration; else jirabot.toml"),
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option("--data-dir", metavar="FOLDER", parser=_folder, help="Where everything is kept")
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="With an error, show what caused it")] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colours, as with NO_COLOR")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and end")
    ] = False,
) -> None:
    """Options for every command."""
    if no_color:
        output.without_colour()
    usage.show_help(context)


def main(arguments: list[str]) -> int:
    """Run one command and give its exit code."""
    try:
        _check_text(arguments)
        ended = app(arguments, prog_name="jirabot", standalone_mode=False)
        output.finish()
    except (KeyboardInterrupt, typer.Abort):
        return Exit.INTERRUPTED
    except SystemExit:
        # Typer's way to end where nobody reads its help any more.
        return Exit.DONE
    except Exception as error:  # noqa: BLE001 - a person never sees a traceback
        cause = _of_output(_first(error))
        if isinstance(cause, output.ReaderGone):
            return Exit.DONE
        return tell(_ours(cause), as_json="--json" in arguments, verbose="--verbose" in arguments)
    return ended if isinstance(ended, int) else Exit.DONE


def _check_text(arguments: Sequence[str]) -> None:
    """Say that an argument is no UTF-8: neither the database nor Jira would take it.

    Raises:
        InvalidInput: one is not.
    """
    for argument in arguments:
        shown = argument.encode("utf-8", "replace").decode()
        if shown != argument:
            raise InvalidInput(f"the argument `{output.harmless(shown)}` is not UTF-8")


def _of_output(error: BaseException) -> BaseException:
    """Say in our own words where it is standard output that can't be written: it fails once more."""
    if isinstance(error, OSError):
        try:
            output.finish()
        except (CommandFailed, output.ReaderGone) as told:
            return told
    return error


def _first(error: BaseException) -> BaseException:
    """Give what went wrong first, where it came out of a group of tasks."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _ours(error: BaseException) -> JirabotError:
    match error:
        case JirabotError():
            return error
        case typer.TyperException():
            return usage.refusal(error)
    fault = CommandFailed(
        f"a fault in jirabot: `{type(error).__name__}`",
        hint="run it again with `jirabot --verbose …`, and report what it says",
    )
    fault.__cause__ = error
    return fault
