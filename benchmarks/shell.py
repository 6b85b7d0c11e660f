"""How long the shell and the daemon's start take, as ratios to what they can't do without, in one run side by side.

Run it with the interpreter that jirabot is installed for: `python benchmarks/shell.py`. It prints medians and ratios;
nothing is asserted. What we hold it to: `--help` 3, `--version` 1.2, ready 1.6, idle memory 1.25.
"""

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

ROUNDS = 15
START_ROUNDS = 11
CLI = "from jirabot.cli.start import run; run()"
THIRD_PARTY = (
    "import aiohttp, aiohttp.web, cryptography.hazmat.primitives.ciphers.aead, markdown_it, orjson, "
    "prometheus_client, pydantic, pydantic_settings, rich, sqlalchemy, "
    "sqlalchemy.dialects.sqlite, structlog, typer"
)
"""What the daemon imports of others when it starts."""


def seconds_of(*arguments: str) -> float:
    """Time one command, as a whole process."""
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - began


def paired(name: str, ours: Callable[[], float], floor: Callable[[], float], *, rounds: int) -> None:
    """Measure both in turn, and print the medians and the ratio, pair by pair."""
    ours(), floor()
    pairs = [(ours(), floor()) for _ in range(rounds)]
    ratio = statistics.median(mine / theirs for mine, theirs in pairs)
    mine, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(f"{name:<34} {mine:10.3f} {theirs:10.3f}   ratio {ratio:5.2f}")


class Started:
    """A daemon, or the imports alone, kept until it was measured."""

    def __init__(self, program: list[str], until: bytes, stream: str) -> None:
        began = time.perf_counter()
        out, err = (subprocess.PIPE, None) if stream == "stdout" else (None, subprocess.PIPE)
        self.process = subprocess.Popen([sys.executable, *program], stdout=out, stderr=err)
        while until not in getattr(self.process, stream).readline():
            if self.process.poll() is not None:
                raise SystemExit("it did not start")
        self.seconds = time.perf_counter() - began
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        self.megabytes = int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) / 1024
        self.process.terminate()
        self.process.wait()


def main() -> None:
    """Measure everything."""
    print(f"{'':<34} {'ours':>10} {'floor':>10}")
    typer = partial(seconds_of, "-c", "import typer")
    for option in ("--help", "--version"):
        paired(f"{option} [s] / import typer", partial(seconds_of, "-c", CLI, option), typer, rounds=ROUNDS)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["JIRABOT_DATA_DIR"] = folder
        os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"
        subprocess.run([sys.executable, "-c", CLI, "db", "upgrade"], check=True, stdout=subprocess.DEVNULL)
        serve = ["-c", CLI, "serve", "--port", "0"]
        alone = ["-u", "-c", f"{THIRD_PARTY}; print('ready'); import time; time.sleep(60)"]

        daemon = partial(Started, serve, b"listens on", "stderr")
        imports = partial(Started, alone, b"ready", "stdout")
        for name in ("seconds", "megabytes"):
            ours, floor = partial(measured, daemon, name), partial(measured, imports, name)
            paired(f"start [{name}] / imports alone", ours, floor, rounds=START_ROUNDS)


def measured(start: Callable[[], Started], name: str) -> float:
    """Start something, and give one of its figures."""
    return float(getattr(start(), name))


if __name__ == "__main__":
    main()
