"""Containment against real processes: what a launch may see and write, and that nothing of it is left."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from jirabot.agents.containment import MARK, Bubblewrap, Containment, Launch, Marked, inherited
from jirabot.agents.installations import installation
from jirabot.agents.processes import Collected, find_marked, sweep
from jirabot.errors import AgentUnavailable

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are found by /proc")

STUBBORN = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
def stay():
    while True:
        time.sleep(60)
if os.fork() == 0:                 # a child in our group
    stay()
if os.fork() == 0:                 # one in a session of its own
    os.setsid()
    stay()
if os.fork() == 0:                 # a daemon: forked twice, with a parent that is gone
    os.setsid()
    if os.fork() == 0:
        os.close(1)
        stay()
    os._exit(0)
os.wait3(0)
print("ready", flush=True)
stay()
"""


@pytest.fixture(params=["mark", "bubblewrap"])
async def containment(request: pytest.FixtureRequest, tmp_path: Path) -> Containment:
    if request.param == "mark":
        return Containment(Marked())
    return await walled(tmp_path)


async def walled(*hidden: Path, homes: Sequence[Path] = ()) -> Containment:
    wall = Bubblewrap(hidden=hidden, homes=homes)
    if not await wall.works():
        pytest.skip("bubblewrap does not work here")
    return Containment(wall)


def launch(folder: Path, *command: str, **environment: str) -> Launch:
    return Launch(
        command=command,
        cwd=folder,
        environment={"PATH": os.environ["PATH"], MARK: str(folder), **environment},
        mark=MARK,
        writable=(folder,),
        readable=(Path(sys.prefix), Path(sys.base_prefix)),
    )


class Heard(Collected):
    """A listener that tells when something was heard."""

    def __init__(self) -> None:
        super().__init__()
        self.something = asyncio.Event()

    def heard(self, stream: int, piece: bytes) -> None:
        super().heard(stream, piece)
        self.something.set()


async def test_what_was_ended_is_never_signalled_again(
    containment: Containment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Turns are ended again days later, and by then their process's number may be another agent's group."""
    process = await containment.begin(launch(tmp_path, "true"))
    await process.end(grace_seconds=5.0)
    signalled: list[int] = []
    monkeypatch.setattr(os, "killpg", lambda pid, _: signalled.append(pid))

    await process.end(grace_seconds=5.0)

    assert signalled == []


async def test_nothing_of_a_stubborn_family_is_left(containment: Containment, tmp_path: Path) -> None:
    """Ending one ends children that ignore SIGTERM, those in sessions of their own, and daemons."""
    heard = Heard()
    what = launch(tmp_path, sys.executable, "-c", STUBBORN)
    process = await containment.begin(what, heard)
    await heard.something.wait()
    assert len(find_marked(what.marking)) >= 4
    await process.end(grace_seconds=0.2)
    assert find_marked(what.marking) == []
    assert process.has_exited
    await process.end(grace_seconds=0.2)


async def test_a_polite_process_ends_itself_in_its_grace(containment: Containment, tmp_path: Path) -> None:
    """SIGTERM reaches the command itself, also behind a wall, so that it can put things in order."""
    heard = Heard()
    script = 'trap "echo bye; exit 7" TERM; echo ready; while :; do sleep 0.05; done'
    process = await containment.begin(launch(tmp_path, "sh", "-c", script), heard)
    await heard.something.wait()
    await process.end(grace_seconds=10)
    done = heard.completed(process.exit_code)
    assert (done.exit_code, done.output) == (7, "ready\nbye\n")


async def test_what_a_command_leaves_behind_is_ended_with_it(containment: Containment, tmp_path: Path) -> None:
    """A command that ends while its background child holds its output does not keep anybody waiting."""
    what = launch(tmp_path, "sh", "-c", "setsid sleep 300 & echo done; exit 3")
    done = await containment.run(what, timeout_seconds=10)
    assert (done.exit_code, done.output) == (3, "done\n")
    assert find_marked(what.marking) == []


async def test_a_command_over_its_time_is_ended(containment: Containment, tmp_path: Path) -> None:
    """What takes too long is ended and told as such."""
    what = launch(tmp_path, "sleep", "300")
    with pytest.raises(TimeoutError):
        await containment.run(what, timeout_seconds=0.2)
    assert find_marked(what.marking) == []


async def test_it_sees_exactly_the_environment_it_was_given(
    containment: Containment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No variable of the daemon is inherited by accident."""
    monkeypatch.setenv("DAEMON_SECRET", "s3cret")
    done = await containment.run(launch(tmp_path, "env", GIVEN="yes"), timeout_seconds=10)
    names = {line.partition("=")[0] for line in done.output.splitlines()} - {"PWD", "OLDPWD", "SHLVL", "_"}
    assert names == {"PATH", MARK, "GIVEN"}


async def test_it_dumps_no_core(containment: Containment, tmp_path: Path) -> None:
    """Memory with secrets in it is never written to disk."""
    done = await containment.run(launch(tmp_path, "sh", "-c", "ulimit -c; ulimit -H -c"), timeout_seconds=10)
    assert done.output.split() == ["0", "0"]


async def test_standard_input_is_the_given_file(containment: Containment, tmp_path: Path) -> None:
    """The command reads its prompt from standard input, to the end."""
    prompt = tmp_path / "prompt"
    prompt.write_text("do it")
    what = launch(tmp_path, "cat")
    given = Launch(**{f: getattr(what, f) for f in ("command", "cwd", "environment", "mark")}, standard_input=prompt)
    assert (await containment.run(given, timeout_seconds=10)).output == "do it"


async def test_the_environment_stands_in_no_command_line(containment: Containment, tmp_path: Path) -> None:
    """Others on the machine read command lines; secrets are not in them."""
    wall = await containment.wall()
    assert "s3cret-value" not in " ".join(wall.arguments(launch(tmp_path, "true", KEY="s3cret-value")))
    assert "s3cret-value" not in repr(launch(tmp_path, "true", KEY="s3cret-value"))


async def test_a_wall_hides_what_it_is_told_to_hide(tmp_path: Path) -> None:
    """Behind bubblewrap the data folder is empty but for the conversation, and the rest can't be written."""
    data, clone = tmp_path / "data", tmp_path / "data" / "c1" / "clone"
    clone.mkdir(parents=True)
    (data / "master.key").write_text("key")
    containment = await walled(data)
    script = f"cat {data}/master.key; touch /usr/x; echo mine > file; ls {data}; cat /proc/1/comm"
    done = await containment.run(launch(clone, "sh", "-c", script), timeout_seconds=10)
    assert done.output.split() == ["c1", "bwrap"]
    assert "No such file" in done.errors
    assert "Read-only file system" in done.errors
    assert (clone / "file").read_text() == "mine\n"


async def test_a_wall_shows_of_a_home_only_what_is_run(tmp_path: Path) -> None:
    """An agent that is installed in it by a link runs; keys, and a file that is hidden beside it, can't be read."""
    home, clone = tmp_path / "home", tmp_path / "home" / "data" / "c1" / "clone"
    for folder in (clone, home / ".ssh", home / ".local/bin", home / "agent"):
        folder.mkdir(parents=True)
    secrets = [home / ".ssh/id", home / "agent/agent.env", home / ".netrc", home / "data/master.key"]
    for secret in secrets:
        secret.write_text("s3cret")
    program = home / "agent/agent.sh"
    program.write_text(f"#!/bin/sh\necho runs\ncat {' '.join(map(str, secrets))}\n")
    program.chmod(0o755)
    (home / ".local/bin/agent").symlink_to(program)
    command = home / ".local/bin/agent"
    what = replace(launch(clone, str(command)), readable=installation(command, path="/usr/bin:/bin"))

    done = await (await walled(home / "data", secrets[1], homes=[home])).run(what, timeout_seconds=10)

    assert done.output == "runs\n"
    assert done.errors.count("\n") == len(secrets)


async def test_a_wall_falls_with_its_daemon(tmp_path: Path) -> None:
    """When the daemon is killed, the kernel ends everything behind bubblewrap, though nobody stops it."""
    containment = await walled()
    what = launch(tmp_path, "sh", "-c", "setsid sleep 300 & sleep 300")
    arguments = (await containment.wall()).arguments(what)
    program = "import subprocess, sys; subprocess.Popen(sys.argv[1:]).wait()"
    daemon = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, *arguments, env=dict(what.environment), stdout=subprocess.DEVNULL
    )
    await _until(lambda: len(find_marked(what.marking)) >= 5)
    daemon.kill()
    await daemon.wait()
    await _until(lambda: not find_marked(what.marking))


async def _until(holds) -> None:
    """Wait for a condition of the machine that nothing tells about."""
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_sweep_spares_others(tmp_path: Path) -> None:
    """Only the exact mark is swept: not a longer one that begins alike."""
    given = {"PATH": os.environ["PATH"]}
    first = await asyncio.create_subprocess_exec("sleep", "300", env={**given, MARK: f"{tmp_path}/1"})
    other = await asyncio.create_subprocess_exec("sleep", "300", env={**given, MARK: f"{tmp_path}/11"})
    try:
        await _until(lambda: find_marked(f"{MARK}={tmp_path}/1") and find_marked(f"{MARK}={tmp_path}/11"))
        await sweep(f"{MARK}={tmp_path}/1")
        assert await first.wait() == -9
        assert other.returncode is None
    finally:
        other.kill()
        await other.wait()


async def test_the_first_wall_that_works_is_used() -> None:
    """Where bubblewrap is missing the mark does; where nothing works, that is an error with a way out."""
    missing = Bubblewrap(program="no-such-bwrap")
    assert (await Containment(missing, Marked()).wall()).name == "mark"
    with pytest.raises(AgentUnavailable) as failed:
        await Containment(missing).wall()
    assert "bubblewrap" in failed.value.hint


async def test_a_folder_that_is_gone_is_told(containment: Containment, tmp_path: Path) -> None:
    """What can't be started is an error of our own family."""
    with pytest.raises(AgentUnavailable, match="can't be started"):
        await containment.run(launch(tmp_path / "gone", "true"), timeout_seconds=10)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        pytest.param({"PATH": "/bin", "HTTPS_PROXY": "p", "https_proxy": "q"}, None, id="path and proxies are kept"),
        pytest.param({"PATH": "/bin", "JIRABOT_MASTER_KEY": "k"}, {"PATH": "/bin"}, id="keys are not"),
        pytest.param({}, {"PATH": "/usr/local/bin:/usr/bin:/bin"}, id="there is always a path"),
    ],
)
def test_the_list_of_what_is_inherited(given: dict[str, str], kept: dict[str, str] | None) -> None:
    assert inherited(given) == (given if kept is None else kept)


async def test_an_agents_own_path_leads_to_no_other_bubblewrap(tmp_path: Path) -> None:
    """What was tried and what is used are the same program: a broken one before it on the PATH does not matter."""
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\nexit 3\n")
    broken.chmod(0o755)
    containment = await walled()

    done = await containment.run(
        launch(tmp_path, "true", PATH=f"{tmp_path}:{os.environ['PATH']}"), timeout_seconds=10.0
    )

    assert done.exit_code == 0
