"""All commands, asked rightly and wrongly: what the tests run, and what `docs/commands.md` is made of.

Write that page anew with `python -m tests.integration.test_cli.commands`.
"""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from jirabot.cli.exits import Exit
from tests.conftest import REPOSITORY

from .conftest import Cli, Ran, at_home

PAGE = REPOSITORY / "docs" / "commands.md"

NEW = "workspace create new --deployment dc --base-url http://127.0.0.1:2 --svc-acc-api-key -"

COMMANDS: list[tuple[str, int]] = [
    ("--version", 0),
    ("--help", 0),
    ("", 2),
    ("bogus", 2),
    ("workspace", 2),
    ("--bogus workspace list", 2),
    ("--config none.toml workspace list", 2),
    ("--config bad.toml workspace list", 6),
    ("--config text.json workspace list", 6),
    ("--config . workspace list", 2),
    ("serve --port 70000", 2),
    ("serve --port many", 2),
    ("serve --host 192.0.2.1", 1),
    ("serve --host no..host", 1),
    ("--config bad.toml serve", 6),
    ("demo --deployment server", 2),
    ("sandbox --deployment server", 2),
    ("sandbox --hook elsewhere", 2),
    ("sandbox --secret-file empty.json", 2),
    ("sandbox --hook http://127.0.0.1:1/ --secret-file none.txt", 2),
    ("replay", 2),
    ("replay none.json", 2),
    ("replay .", 2),
    ("replay empty.json", 2),
    ("replay text.json", 2),
    ("replay list.json", 2),
    ("replay nobody.json", 2),
    ("replay comment.json --workspace nobody", 3),
    ("replay comment.json --dry-run", 0),
    ("replay comment.json", 0),
    ("replay comment.json --sign", 3),
    ("replay comment.json --to http://127.0.0.1:1", 5),
    ("replay comment.json --to elsewhere", 2),
    ("replay comment.json --to http://127.0.0.1:1 --again", 2),
    ("init", 2),
    ("status", 0),
    ("status now", 2),
    ("pause", 2),
    ("pause acme", 0),
    ("pause nobody", 3),
    ("pause --all", 0),
    ("resume", 2),
    ("resume acme", 0),
    ("resume nobody", 3),
    ("resume --all", 0),
    ("doctor", 1),
    ("doctor now", 2),
    ("--config bad.toml doctor", 1),
    (NEW + " --no-validate", 0),
    (NEW, 5),
    (NEW + " --agent nobody", 6),
    (NEW + " --link ada --no-validate", 0),
    ("workspace create acme --deployment dc --base-url http://127.0.0.1:2 --svc-acc-api-key -", 1),
    ("workspace create new --deployment dc --base-url http://127.0.0.1:1 --svc-acc-api-key -", 1),
    ("workspace create", 2),
    ("workspace create new --set bogus=1 --svc-acc-api-key -", 2),
    ("workspace list", 0),
    ("workspace list --bogus", 2),
    ("workspace show acme", 0),
    ("workspace show ACME", 0),
    ("workspace show", 2),
    ("workspace show nobody", 3),
    ("workspace update acme --set progress_every=2m", 0),
    ("workspace update acme --base-url http://127.0.0.1:2", 5),
    ("workspace update acme --base-url http://127.0.0.1:2 --no-validate", 0),
    ("workspace update acme --set progress_every=soon", 2),
    ("workspace update acme --unset bogus", 2),
    ("workspace update acme", 2),
    ("workspace update nobody --set progress_every=2m", 3),
    ("workspace activate acme", 0),
    ("workspace activate acme --trust", 0),
    ("workspace activate nobody", 3),
    ("workspace deactivate acme", 0),
    ("workspace deactivate nobody", 3),
    ("workspace rotate-secret acme", 0),
    ("workspace rotate-secret nobody", 3),
    ("workspace validate acme", 5),
    ("workspace validate nobody", 3),
    ("workspace consent acme", 2),
    ("workspace consent nobody", 3),
    ("workspace delete acme", 4),
    ("workspace delete acme --yes", 0),
    ("workspace delete nobody --yes", 3),
    ("webhook", 2),
    ("webhook register acme", 5),
    ("webhook register nobody", 3),
    ("webhook list acme", 0),
    ("webhook list nobody", 3),
    ("webhook refresh acme", 3),
    ("webhook test acme --issue PAY-7", 5),
    ("webhook test acme", 2),
    ("webhook test nobody --issue PAY-7", 3),
    ("webhook delete acme", 4),
    ("webhook delete acme --yes", 3),
    ("webhook delete nobody --yes", 3),
    ("user link acme grace --no-validate", 0),
    ("user link acme grace", 5),
    ("user link acme", 2),
    ("user link acme grace --group web", 2),
    ("user link acme --group web --user grace", 2),
    ("user link acme --group web --no-validate", 2),
    ("user link acme --group web", 5),
    ("user link acme --oauth", 5),
    ("user link acme --oauth --group web", 2),
    ("user link acme --oauth --no-validate", 2),
    ("user link acme --from none.txt", 2),
    ("user link acme --from empty.json", 2),
    ("user link acme grace --role king", 2),
    ("user link nobody grace --no-validate", 3),
    ("user list", 0),
    ("user list acme", 0),
    ("user list nobody", 3),
    ("user show acme ada", 0),
    ("user show acme nobody", 3),
    ("user show", 2),
    ("user forget acme ada", 4),
    ("user forget acme ada --yes", 0),
    ("user forget acme nobody --yes", 3),
    ("user forget acme", 2),
    ("user unlink acme ada", 0),
    ("user unlink acme nobody", 3),
    ("user unlink acme", 2),
    ("repo add acme tools --url file:///srv/git/tools.git", 0),
    ("repo add acme shop --url file:///srv/git/tools.git", 1),
    ("repo add acme tools", 2),
    ("repo add acme tools --url ./tools", 2),
    ("repo add acme tools --url file:///srv/git/tools.git --project PAY-7", 2),
    ("repo add acme -tools --url file:///srv/git/tools.git", 2),
    ("repo add nobody tools --url file:///srv/git/tools.git", 3),
    ("repo list acme", 0),
    ("repo list", 2),
    ("repo list nobody", 3),
    ("repo remove acme shop", 0),
    ("repo remove acme shp", 3),
    ("repo remove acme", 2),
    ("repo test acme nobody", 3),
    ("repo test acme", 2),
    ("event list", 0),
    ("event list --workspace nobody", 3),
    ("event list --state lost", 2),
    ("event list --limit 0", 2),
    ("event show", 2),
    ("event show 01 --issue PAY-7", 2),
    ("event show 01", 3),
    ("event show --issue PAY-7", 3),
    ("event show 01 --workspace acme", 2),
    ("event explain", 2),
    ("event explain 01", 3),
    ("event retry", 2),
    ("event retry 01", 3),
    ("event discard", 2),
    ("event discard 01", 3),
    ("event discard --state dead", 0),
    ("event discard --state done", 2),
    ("event replay", 2),
    ("event replay 01", 3),
    ("conversation list", 0),
    ("conversation list --workspace nobody", 3),
    ("conversation show", 2),
    ("conversation show 01 --issue PAY-7", 2),
    ("conversation show 01", 3),
    ("conversation show --issue PAY-7", 3),
    ("conversation show --issue PAY-7 --workspace nobody", 3),
    ("conversation tail", 2),
    ("conversation tail 01", 3),
    ("conversation stop", 2),
    ("conversation stop 01", 3),
    ("conversation send 01", 2),
    ("conversation send 01 this", 3),
    ("conversation retry", 2),
    ("conversation retry 01", 3),
    ("conversation close", 2),
    ("conversation close 01", 3),
    ("conversation delete", 2),
    ("conversation delete 01 --yes", 3),
    ("outbox list", 0),
    ("outbox list --state lost", 2),
    ("outbox list --workspace nobody", 3),
    ("outbox show", 2),
    ("outbox show 01", 3),
    ("outbox retry", 2),
    ("outbox retry 01", 3),
    ("outbox retry --workspace acme", 0),
    ("outbox retry --workspace nobody", 3),
    ("outbox discard", 2),
    ("outbox discard 01", 3),
    ("outbox discard 01 02", 4),
    ("token create ci --role admin --expires 90d", 0),
    ("token create", 2),
    ("token create ci --role king", 2),
    ("token create ci --expires soon", 2),
    ("token create ci --workspace nobody", 3),
    ("token list", 0),
    ("token revoke", 2),
    ("token revoke nobody", 3),
    ("key check", 0),
    ("key rotate", 6),
    ("config show", 0),
    ("config check", 0),
    ("config path", 0),
    ("--config bad.toml config show", 6),
    ("--config bad.toml config check", 6),
    ("--config bad.toml config path", 0),
    ("--config none.toml config path", 2),
    ("audit list", 0),
    ("audit list --workspace nobody", 3),
    ("audit list --since 7d", 0),
    ("audit list --since soon", 2),
    ("audit verify", 0),
    ("audit verify now", 2),
    ("db current", 0),
    ("db upgrade", 0),
    ("db upgrade now", 2),
    ("db check", 0),
    ("db check now", 2),
    ("db backup", 0),
    ("db backup empty.json", 1),
    ("db restore", 2),
    ("db restore none.db", 4),
    ("db restore none.db --yes", 2),
    ("db restore empty.json --yes", 1),
    ("db prune", 4),
    ("db prune --dry-run", 0),
    ("db prune --yes", 0),
    ("db prune --older-than soon --yes", 2),
]
"""What is typed after `jirabot`, and the exit code that it has to end with."""

MEANING = {
    Exit.DONE: "done",
    Exit.FAILED: "it failed, or stands against what is there",
    Exit.USAGE: "not understood: the command line or a file that it names",
    Exit.NOT_FOUND: "what it names is not there",
    Exit.REFUSED: "refused: rights, or a confirmation that was not given",
    Exit.UNREACHABLE: "Jira, or another program, was not reached",
    Exit.CONFIGURATION: "the configuration or the keys are wrong",
    Exit.INTERRUPTED: "interrupted, with Ctrl-C",
}


def furnish(cli: Cli) -> None:
    """Put a workspace whose Jira nobody reaches, a person and a repository into the data folder."""
    create = ["workspace", "create", "acme", "--deployment", "dc", "--base-url", "http://127.0.0.1:1"]
    cli.done(*create, "--svc-acc-api-key", "-", "--no-validate", typed="a-token\n")
    cli.done("user", "link", "acme", "ada", "--no-validate")
    cli.done("repo", "add", "acme", "shop", "--url", "https://git.acme.example/shop.git")


def write_files(cli: Cli) -> None:
    """Write the files, good and bad, that the commands name."""
    cli.file("empty.json", "")
    cli.file("list.json", "[]")
    cli.file("text.json", "not JSON")
    cli.file("nobody.json", "{}")
    cli.file("bad.toml", "[server]\nprot = 1\n")
    cli.file(
        "comment.json",
        '{"webhookEvent": "comment_created", "timestamp": 1, "comment": {"id": "1", "body": "@openhands help", '
        '"author": {"key": "JIRAUSER1", "name": "ada", "displayName": "Ada"}, '
        '"self": "https://jira.acme.example/rest/api/2/issue/10000/comment/1"}}',
    )


def ask(cli: Cli, command: str) -> Ran:
    """Run what is typed after `jirabot`."""
    return cli(*command.split(), typed="another-token\n")


def row(cli: Cli, command: str, ran: Ran) -> str:
    """Tell one command and its end as a line of the page's table."""
    typed = f"jirabot {command}".strip()
    said = ran.err.replace(str(cli.folder), "~").strip() if ran.code else ""
    if said.startswith("Usage:"):
        said = "the help"
    sentences = "<br>".join(line for line in said.splitlines() if line)
    return f"| `{typed}` | {ran.code} | {sentences.replace('|', chr(92) + '|')} |"


def _rows() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder, "kept")
        kept.mkdir()
        with at_home(kept) as furnished:
            furnish(furnished)
        for number, (command, _) in enumerate(COMMANDS):
            home = Path(folder, str(number))
            home.mkdir()
            with at_home(home) as cli:
                shutil.copytree(furnished.data, cli.data)
                write_files(cli)
                yield row(cli, command, ask(cli, command))


def page() -> str:
    """Run all commands and tell how they end."""
    meanings = [f"| {code.value} | {meaning} |" for code, meaning in MEANING.items()]
    return "\n".join(
        [
            "# Commands, and how they end",
            "",
            "Made by the program itself: a test runs each line and holds it to this page. The data folder has a",
            "workspace `acme`, whose Jira nobody reaches.",
            "",
            "| Code | Meaning |",
            "| --- | --- |",
            *meanings,
            "",
            "| Command | Code | What it says on standard error |",
            "| --- | --- | --- |",
            *_rows(),
            "",
        ]
    )


if __name__ == "__main__":
    PAGE.write_text(page())
