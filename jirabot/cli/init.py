"""`jirabot init`: from nothing to a first workspace. Writes a configuration, and never over one that is there."""

import contextlib
import json
import os
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from jirabot.cli import asking, output, running, usage
from jirabot.cli.options import (
    AsJson,
    BaseUrl,
    Deployment,
    NoValidate,
    OAuthClientId,
    OAuthClientSecret,
    ServiceAccountEmail,
    ServiceAccountKey,
    ServiceAccountKeyFile,
    Set,
    SignIn,
)
from jirabot.cli.secrets import API_KEY_VARIABLE, WEBHOOK_SECRET_VARIABLE, Secrets
from jirabot.cli.workspace import show_created
from jirabot.errors import CommandFailed, Conflict, InvalidInput

EXAMPLES = usage.examples(
    "jirabot init",
    "jirabot init acme.atlassian.net --svc-acc-email bot@acme.example --svc-acc-api-key - \\",
    "    --agent-command 'my-agent --quiet'",
)
CONFIGURATION = Path("jirabot.toml")
PUBLIC_URL_QUESTION = (
    "How Jira reaches this machine, as `https://jirabot.example.com` (nothing: only from this machine)"
)
AGENT_QUESTION = "The agent's command, as `my-agent --quiet` (nothing: not now)"


def init(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What you call the workspace; for Cloud its host")] = "",
    deployment: Deployment = None,
    base_url: BaseUrl = "",
    svc_acc_email: ServiceAccountEmail = "",
    svc_acc_api_key: ServiceAccountKey = None,
    svc_acc_api_key_file: ServiceAccountKeyFile = None,
    auth: SignIn = "",
    oauth_client_id: OAuthClientId = "",
    oauth_client_secret: OAuthClientSecret = None,
    set_: Set = None,
    public_url: Annotated[str, typer.Option(metavar="URL", help="How Jira and people reach this machine")] = "",
    agent_command: Annotated[str, typer.Option(metavar="COMMAND", help="The agent's program with arguments")] = "",
    no_validate: NoValidate = False,
    as_json: AsJson = False,
) -> None:
    """Write a configuration and serve a first Jira site.

    A terminal is asked for what is missing. The configuration is `--config`, or `jirabot.toml` in this folder.
    """
    from jirabot.config import load, read_changes
    from jirabot.core.managers.workspaces import NewWorkspace
    from jirabot.core.people import SHELL

    flags = context.find_root().params
    path: Path = flags.get("config") or CONFIGURATION
    _check_new(path, named=flags.get("config") is not None)
    data_dir: Path | None = flags.get("data_dir")
    settings = load(data_dir=data_dir)
    changes = dict(read_changes(set_ or ()))
    secrets = Secrets(settings.environment)
    wanted = NewWorkspace(
        name=name,
        deployment=deployment or "",
        base_url=base_url,
        email=svc_acc_email,
        api_key=secrets.read("API key", svc_acc_api_key, svc_acc_api_key_file, variable=API_KEY_VARIABLE),
        webhook_secret=secrets.read("webhook secret", None, None, variable=WEBHOOK_SECRET_VARIABLE),
        auth=auth,
        oauth_client_id=oauth_client_id,
        oauth_client_secret=secrets.read("OAuth client secret", oauth_client_secret, None),
        agent=changes.pop("agent", ""),
        settings=changes,
        validate=not no_validate,
    )

    def lacking(wanted: NewWorkspace) -> Sequence[str]:
        async def work(jirabot: Any) -> Any:
            return jirabot.workspaces.lacking(wanted)

        return running.run_with(settings, work, writes=False)

    complete = asking.complete(wanted, lacking)
    _check_whole(lacking(complete))
    if asking.is_possible():
        public_url = public_url or asking.question(PUBLIC_URL_QUESTION)
        agent_command = agent_command or asking.question(AGENT_QUESTION)

    async def create(jirabot: Any) -> Any:
        made = await jirabot.workspaces.create(complete, by=SHELL)
        return made, jirabot.workspaces.as_object(made.workspace)

    with _written(path, _configuration(data_dir, public_url, agent_command)):
        settings = load(path, data_dir=data_dir)
        made, shown = running.run_with(settings, create)
    output.note(
        f"Wrote `{path}`; everything is kept in `{settings.data_dir}`, with the key that secrets are sealed with.\n"
    )
    show_created(settings, made, shown, as_json=as_json, ask=not (as_json or no_validate))


def _check_new(path: Path, *, named: bool) -> None:
    """Say that there is a configuration already; one that was not named, wherever it is found.

    Raises:
        Conflict: there is.
    """
    from jirabot.config.loading import used_file

    # Where nobody may look, nothing can be written either: that is told as it is tried.
    known = path if os.access(path, os.F_OK) else None if named else used_file(None)
    if known is not None:
        raise Conflict(
            f"there is a configuration already: `{known}`",
            hint="run `jirabot workspace create` to add a workspace, or name a new file with `--config`",
        )


def _check_whole(names: Sequence[str]) -> None:
    from jirabot.core.managers.workspaces import LACKING

    if names:
        raise InvalidInput("; ".join(LACKING[name] for name in names), hint="run `jirabot init` on a terminal: it asks")


def _configuration(data_dir: Path | None, public_url: str, agent_command: str) -> str:
    """Write the settings that were given as TOML, whose strings and lists JSON's are."""
    lines = ["# Written by `jirabot init`. `jirabot config show` tells every setting and where it comes from."]
    if data_dir is not None:
        lines.append(f"data_dir = {_text(str(data_dir.absolute()))}")
    if public_url:
        lines += ["", "[server]", f"public_url = {_text(public_url)}"]
    if agent_command:
        words = ", ".join(_text(word) for word in _words(agent_command))
        lines += ["", "[agents.local]", 'type = "command"', f"command = [{words}]"]
    return "".join(f"{line}\n" for line in lines)


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _words(command: str) -> Sequence[str]:
    try:
        return shlex.split(command)
    except ValueError as error:
        raise InvalidInput(f"the agent's command can't be read: {str(error).lower()}") from error


@contextlib.contextmanager
def _written(path: Path, text: str) -> Iterator[None]:
    """Write a new file, and take it away again where what needs it fails.

    Raises:
        Conflict: it is there by now.
        CommandFailed: it can't be written.
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise Conflict(f"there is a configuration already: `{path}`") from error
    except OSError as error:
        raise CommandFailed(f"`{path}` can't be written: {error.strerror}") from error
    try:
        yield
    except BaseException:
        path.unlink(missing_ok=True)
        raise
