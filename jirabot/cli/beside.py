"""What a command says where it only writes down what a daemon has to do, and none runs."""

from jirabot.cli import output


def tell(what: str, *, daemon_runs: bool) -> None:
    """Say that *what* waits, where no daemon is there to do it."""
    if not daemon_runs:
        output.note(f"no daemon runs: {what} waits until `jirabot serve` does")
