"""How a person names an event or a conversation: by its id, or by its issue, whose newest it is in one workspace.

And how a page of a list is named: by the row that it stands behind.
"""

from collections.abc import Callable, Sequence

from jirabot.errors import Conflict, FieldsInvalid, InvalidInput, NotFound


def check_named(a_thing: str, id_: str | None, issue_key: str | None, workspace_name: str | None) -> None:
    """Say that *a_thing* (as `an event`) is not named by one of the two; a workspace may be named with the issue.

    Raises:
        InvalidInput: it is not.
    """
    told = ""
    if id_ and issue_key:
        told = f"{a_thing} is named by its id or by its issue, not by both"
    elif id_ and workspace_name:
        told = f"{a_thing} is named by its id alone: a workspace goes with an issue"
    elif not id_ and not issue_key:
        told = f"which {a_thing.partition(' ')[2]}?"
    if told:
        raise InvalidInput(told, hint="give its id, or `--issue KEY` for the newest on an issue")


def check_one_workspace(issue_key: str, names: Sequence[str]) -> None:
    """Say that an issue with that key is in each of several workspaces.

    Raises:
        Conflict: it is.
    """
    if len(names) > 1:
        listed = ", ".join(f"`{name}`" for name in sorted(names))
        raise Conflict(
            f"an issue `{issue_key.upper()}` is in more than one workspace: {listed}",
            hint="name the one that is meant with `--workspace NAME`",
        )


def check_before(before: str | None, get: Callable[[str], object]) -> None:
    """Say that the row is not there that a page stands behind: it would be empty, and seem to be the last.

    Raises:
        FieldsInvalid: *get* does not find it.
    """
    if before is None:
        return
    try:
        get(before)
    except NotFound as missing:
        hint = "give what the page before has as `next`; without it the list begins with the newest"
        raise FieldsInvalid({"before": missing.message}, hint=hint) from missing
