"""The disk is full, read-only, locked or damaged: Jira is told to come again, and all goes on when it is well.

The faults are real ones, beside a daemon whose agent works: nothing acknowledged is lost, nothing is acknowledged
that is not on disk, and the log tells each of begin and end in one line.
"""

import asyncio
import contextlib
import json
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, closing
from pathlib import Path

import aiohttp
import pytest

from jirabot.core.troubles import Reason
from jirabot.jira.signatures import sign
from jirabot.sandbox.server import Sandbox
from tests.integration.test_storage.processes import line_of, start

from .stage import GATED, WITHIN_SECONDS, Stage, staged

HOLDS = """
import sqlite3, sys
driver = sqlite3.connect(sys.argv[1], isolation_level=None)
driver.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def full(data: Path) -> Iterator[None]:
    """Fill the disk to its last byte."""
    filler = data / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while file.write(b"\0" * 65536):
            pass
    yield
    filler.unlink()


@contextlib.contextmanager
def read_only(data: Path) -> Iterator[None]:
    """Let nothing be written to the database's files, however they were opened."""
    files = [str(path) for path in data.glob("jirabot.db*") if not path.name.endswith("-shm")]
    subprocess.run(["chattr", "+i", *files], check=True)
    try:
        yield
    finally:
        subprocess.run(["chattr", "-i", *files], check=True)


@contextlib.contextmanager
def locked(data: Path) -> Iterator[None]:
    """Let another process hold the database for itself."""
    with start(HOLDS, data / "jirabot.db") as process:
        assert line_of(process) == "held"
        yield
        assert process.stdin is not None
        process.stdin.close()


@contextlib.contextmanager
def damaged(data: Path) -> Iterator[None]:
    """Overwrite the page on which the table of deliveries begins; put it back afterwards."""
    database = data / "jirabot.db"
    with closing(sqlite3.connect(database, isolation_level=None)) as driver, database.open("r+b", buffering=0) as file:
        (page,) = driver.execute("SELECT rootpage FROM sqlite_master WHERE name = 'deliveries'").fetchone()
        driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        file.seek((page - 1) * 4096)
        content = file.read(4096)
        file.seek((page - 1) * 4096)
        file.write(b"\xa5" * 4096)
        # A commit of another lets the daemon forget the page as it has it in memory.
        driver.execute("INSERT INTO meta VALUES ('of-a-test', '1')")
        yield
        file.seek((page - 1) * 4096)
        file.write(content)


Fault = Callable[[Path], AbstractContextManager[None]]

FAULTS = [
    pytest.param(full, "the disk is full", id="full"),
    pytest.param(read_only, "the database can't be written", id="read-only"),
    pytest.param(locked, "the database is held by another process", id="locked"),
    pytest.param(damaged, "is damaged", id="damaged"),
]


@pytest.fixture
def folder(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A folder whose disk can be made to fail."""
    fault = request.node.callspec.params["fault"]
    if fault is read_only:
        # In memory an immutable file is still written by who has it open.
        with tempfile.TemporaryDirectory() as on_disk:
            if subprocess.run(["chattr", "+i", on_disk], check=False).returncode:
                pytest.skip("files can't be made immutable here")
            subprocess.run(["chattr", "-i", on_disk], check=True)
            yield Path(on_disk)
        return
    if fault is not full:
        yield tmp_path
        return
    (tmp_path / "data").mkdir(mode=0o700)
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(tmp_path / "data")]
    if shutil.which("mount") is None or subprocess.run(mount, check=False).returncode:
        pytest.skip("no small disk can be mounted here")
    yield tmp_path
    subprocess.run(["umount", "--lazy", str(tmp_path / "data")], check=True)


@contextlib.asynccontextmanager
async def at_work(folder: Path) -> AsyncIterator[Stage]:
    """A stage on which an agent works."""
    async with (
        Sandbox(deployment="cloud", retry_delays=[]) as jira,
        staged(jira, folder, agents=GATED) as stage,
    ):
        stage.expected_errors = {"database.refused", "trouble.begun"}
        await stage.set_up()
        await stage.comment("@openhands fix login.py")
        assert "I am on it" in (await stage.says()).text
        await stage.until_running()
        yield stage


class Door:
    """Sends events to the daemon, and asks whether it is ready."""

    def __init__(self, stage: Stage, session: aiohttp.ClientSession) -> None:
        self._stage, self._session = stage, session
        self.number = 0
        self.accepted: list[str] = []
        self.refused: list[str | None] = []
        """What each that was refused was told to wait."""

    async def knock(self) -> None:
        """Send an event of 200 KB, which asks nothing."""
        self.number += 1
        base = f"{self._stage.jira.base_url}/rest/api/2"
        issue = {"id": "77", "key": "DEMO-77", "self": f"{base}/issue/77", "fields": {"summary": "x" * 200_000}}
        body = json.dumps({"timestamp": self.number, "webhookEvent": "jira:issue_deleted", "issue": issue}).encode()
        headers = {"X-Hub-Signature": sign(body, self._stage.secret.encode()), "Content-Type": "application/json"}
        async with self._session.post(self._stage.events_url, data=body, headers=headers) as response:
            answer = await response.json(content_type=None)
            assert response.status in (200, 503), answer
            if response.status == 200:
                self.accepted.append(answer["delivery"])
            else:
                self.refused.append(response.headers.get("Retry-After"))

    async def database_up(self) -> bool:
        """Ask the metrics, which are there all the same."""
        async with self._session.get(f"{self._stage.address}/metrics") as answer:
            assert answer.status == 200
            return "jirabot_database_up 1.0\n" in await answer.text()

    async def as_a_stranger(self) -> str:
        """Ask what `/readyz` says of the database to who comes through a proxy."""
        headers = {"X-Forwarded-For": "203.0.113.7"}
        async with self._session.get(f"{self._stage.address}/readyz", headers=headers) as ready:
            told: str = (await ready.json())["database"]
            return told

    async def until_ready(self, wanted: int) -> str:
        """Wait until `/readyz` answers so; gives what it says of the database."""
        async with asyncio.timeout(WITHIN_SECONDS):
            while True:
                async with self._session.get(f"{self._stage.address}/readyz") as ready:
                    if ready.status == wanted:
                        told: str = (await ready.json())["database"]
                        return told
                await asyncio.sleep(0.05)


@pytest.mark.parametrize(("fault", "sentence"), FAULTS)
async def test_while_the_disk_fails_jira_is_told_to_come_again_and_then_all_goes_on(
    folder: Path, fault: Fault, sentence: str
) -> None:
    async with at_work(folder) as stage, aiohttp.ClientSession() as session:
        door = Door(stage, session)
        await door.knock()
        await stage.until_stored(lambda tx: (d := tx.deliveries.list(limit=1)[0]).handled_at and d)
        with fault(stage.app.settings.data_dir):
            while len(door.refused) < 3:
                await door.knock()
            assert sentence in await door.until_ready(503)
            assert await door.as_a_stranger() == "failing"
            assert not await door.database_up()
            await stage.let_go()
            await door.knock()
        assert await door.until_ready(200) == "ok"
        assert await door.database_up()
        await door.knock()

        assert set(door.refused) == {"30"}
        kept = {each.id for each in await stage.deliveries()}
        assert set(door.accepted) <= kept
        assert len([each for each in await stage.deliveries() if each.kind == "jira:issue_deleted"]) == len(
            door.accepted
        )
        assert "I was let go." in (await stage.says()).text, "what the agent did meanwhile is not lost"
        await stage.comment("@openhands help")
        assert "what you can ask of me" in (await stage.says()).text
        await stage.rest()
        told = [event for event, _ in stage.log.told if event.startswith(("database.", "worker."))]
        assert told == ["database.refused", "database.recovered"]
        trouble = await stage.until_stored(
            lambda tx: next((each for each in tx.troubles.list() if each.end_told_at is not None), None)
        )
        assert trouble.reason is Reason.DATABASE, "administrators are told when a row can be written"
