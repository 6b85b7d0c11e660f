"""The command line's own form: groups that show their help, commands with examples, and usage errors told as ours."""

import re
from typing import Any

import typer
from typer.core import TyperCommand

from jirabot.cli import output
from jirabot.cli.exits import Exit
from jirabot.errors import InvalidInput


class Command(TyperCommand):
    """A command that names at once all that it is not given."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        given, _, _ = self.make_parser(ctx).parse_args(args=list(args))
        missing = [
            f"`{parameter.opts[0] if parameter.opts[0].startswith('-') else parameter.metavar}`"
            for parameter in self.params
            if parameter.required and given.get(parameter.name or "") is None
        ]
        if missing and not given.get("help") and not ctx.resilient_parsing:
            is_missing = "is missing" if len(missing) == 1 else "are missing"
            raise InvalidInput(f"{_listed(missing)} {is_missing}", hint=_help_of(ctx))
        return super().parse_args(ctx, args)


def group(told: str) -> typer.Typer:
    """Make a group of commands, which shows its help where none is named."""
    return typer.Typer(help=told, callback=show_help, invoke_without_command=True)


def show_help(context: typer.Context) -> None:
    """End with the help where no command is named."""
    if context.invoked_subcommand is None:
        output.note(context.get_help())
        raise typer.Exit(Exit.USAGE)


def examples(*commands: str) -> str:
    """Show commands at the end of a help, each as it can be copied: not wrapped."""
    return "\n".join(["\b", "Examples:", *(f"  {command}" for command in commands)])


def refusal(error: typer.TyperException) -> InvalidInput:
    """Tell what Typer does not understand as an error of ours: lower case, values in backticks, no full stop."""
    told = re.sub(r"'([^']*)'", r"`\1`", _in_our_words(error)).rstrip(".")
    context = getattr(error, "ctx", None)
    return InvalidInput(told[:1].lower() + told[1:], hint=_help_of(context) if context else "")


def _in_our_words(error: typer.TyperException) -> str:
    """Say what may stand in place of a wrong value as it is said of settings, where Typer has asked pydantic."""
    told, cause = error.format_message(), error.__cause__
    if not isinstance(cause, ValueError) or not hasattr(cause, "errors"):
        return told
    from jirabot.config.problems import allowed

    [wrong, *_] = cause.errors()
    # What a validator of Typer's own says is a whole sentence.
    said = "" if wrong["type"] == "value_error" else f"`{wrong['input']}` is not "
    return told.replace(error.message, said + allowed(wrong))


def _help_of(context: Any) -> str:
    return f"run `{context.command_path} --help` to see what it takes"


def _listed(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
