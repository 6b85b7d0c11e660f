"""What every agent backend promises, over `command` and `scripted`, each in both containments."""

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from jirabot.agents.command import CommandBackend
from jirabot.agents.containment import Bubblewrap, Containment, Marked
from jirabot.agents.processes import find_marked
from jirabot.agents.registry import AgentSection, Backends, make_backend
from jirabot.core.agents import (
    AgentEvent,
    Ending,
    Failed,
    FailureKind,
    Finished,
    Handle,
    Message,
    Progress,
    Question,
    Resumed,
    RunSpec,
    Started,
    Stopped,
    Usage,
)
from jirabot.core.ids import BackendName, ConversationId, IssueKey, RunId
from jirabot.core.network import Network
from jirabot.errors import AgentUnavailable

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are found by /proc")

PLAIN_AGENT = """
import os, pathlib, signal, subprocess, sys
request = sys.stdin.read().rpartition("## What you are asked\\n")[2].strip().partition(":** ")[2]
asked = pathlib.Path(os.environ["JIRABOT_SESSION_DIR"], "asked")
print("Looking around.")
if asked.exists():
    asked.unlink()
    print(f"It is {request} now.\\nJIRABOT: DONE")
elif request.startswith("ask"):
    asked.touch()
    print("Which colour?\\n\\nJIRABOT: QUESTION")
elif request.startswith("fail"):
    print('{"type": "failed", "text": "401: the key is wrong"}')
    sys.exit(1)
elif request.startswith("crash"):
    print("Segmentation fault", file=sys.stderr)
    os.kill(os.getpid(), signal.SIGSEGV)
elif request.startswith("stall"):
    subprocess.run(["sleep", "300"], start_new_session=True)
else:
    pathlib.Path("work").write_text(request)
    print("Done as asked.\\nJIRABOT: DONE")
"""
"""An agent that knows no JSON: it prints, and ends with the line that every agent is asked for."""

REPOSITORY = Path(__file__).resolve().parents[2]
CONVERSATION = ConversationId("c1")
GIT = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": "/dev/null"}


def git(folder: Path, *arguments: str) -> str:
    """Run git as a person would."""
    return subprocess.run(["git", *arguments], cwd=folder, env=GIT, capture_output=True, text=True, check=True).stdout


@dataclass
class Stage:
    """A conversation's folders, and backends that work in them."""

    root: Path
    containment: Containment
    conversation: ConversationId = CONVERSATION
    type: str = "command"
    runs: int = 0
    environment: dict[str, str] = field(default_factory=lambda: {"PATH": os.environ["PATH"]})

    @property
    def mark(self) -> str:
        return f"JIRABOT_SESSION_DIR={self.root / 'session'}"

    def backend(self, section: AgentSection | None = None) -> CommandBackend:
        program = self.root / "session" / "agent.py"
        program.write_text(PLAIN_AGENT)
        section = section or AgentSection(type=self.type, command=(sys.executable, "-I", "-S", str(program)))
        made = make_backend(BackendName("local"), section, environment=self.environment, containment=self.containment)
        assert isinstance(made, CommandBackend)
        return made

    def running(self, program: str, **section: object) -> CommandBackend:
        """Make a backend whose agent is a small Python program."""
        path = self.root / "session" / "program.py"
        path.write_text(program)
        base = AgentSection(type="command", command=(sys.executable, "-I", "-S", str(path)))
        return self.backend(replace(base, **section))  # type: ignore[arg-type]

    def spec(self, request: str = "fix it", *, run: str | None = None) -> RunSpec:
        self.runs += 1
        return RunSpec(
            run_id=RunId(run or f"run{self.runs}"),
            conversation_id=self.conversation,
            issue_key=IssueKey("PAY-7"),
            prompt=f"You are a coding agent.\n\n## What you are asked\n\n**Ada Lovelace:** {request}",
            cwd=self.root / "clone",
            home=self.root / "home",
            session_dir=self.root / "session",
            base="main",
        )

    async def turn(self, backend: CommandBackend, request: str = "fix it") -> list[AgentEvent]:
        """Let the agent work for one turn."""
        spec = self.spec(request)
        handle = backend.new_session(spec)
        await backend.start(handle, spec)
        return await listen(backend, handle)


async def listen(backend: CommandBackend, handle: Handle) -> list[AgentEvent]:
    """Collect a turn's events, and check what holds for every turn: it starts, and ends once, with nothing after."""
    async with asyncio.timeout(20):
        events = [event async for event in backend.events(handle)]
    assert [isinstance(event, Started) for event in events].index(True) == 0
    assert [isinstance(event, Ending) for event in events] == [False] * (len(events) - 1) + [True]
    assert find_marked(handle["mark"]) == []
    return events


async def until_marked(mark: str) -> None:
    """Wait until the kernel shows a process with the mark: a program that is just being started has no environment."""
    async with asyncio.timeout(20):
        while not await asyncio.to_thread(find_marked, mark):  # noqa: ASYNC110 - the kernel tells nobody
            await asyncio.sleep(0.005)


@pytest.fixture(params=["mark", "bubblewrap"])
async def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Stage:
    """Folders and containment, for the `command` backend."""
    containment = Containment(Marked())
    if request.param == "bubblewrap":
        wall = Bubblewrap(hidden=[tmp_path])
        if not await wall.works():
            pytest.skip("bubblewrap does not work here")
        containment = Containment(wall)
    for name in ("clone", "home", "session"):
        (tmp_path / name).mkdir()
    for command in (("init", "-q"), ("config", "user.name", "bot"), ("config", "user.email", "bot@example.org")):
        git(tmp_path / "clone", *command)
    return Stage(root=tmp_path, containment=containment)


@pytest.fixture(params=["command", "scripted"])
def each(request: pytest.FixtureRequest, stage: Stage) -> Stage:
    """The same, for every type of backend."""
    stage.type = request.param
    return stage


async def test_a_turn_starts_and_finishes(each: Stage) -> None:
    """A request is worked on in the clone, and the turn says what was done."""
    events = await each.turn(each.backend())
    assert isinstance(events[-1], Finished)
    assert events[-1].explicit
    assert events[-1].summary
    assert [path for path in (each.root / "clone").iterdir() if path.name != ".git"]


async def test_a_question_is_answered_in_the_next_turn(each: Stage) -> None:
    """The session remembers what it asked; the next turn's request is the answer."""
    backend = each.backend()
    spec = each.spec("ask which colour")
    handle = backend.new_session(spec)
    await backend.start(handle, spec)
    asked = (await listen(backend, handle))[-1]
    assert isinstance(asked, Question)
    assert asked.text.lower().endswith("which colour?")
    await backend.start(handle, each.spec("blue"))
    assert isinstance((await listen(backend, handle))[-1], Finished)


async def test_a_failure_is_told_by_the_agents_words(each: Stage) -> None:
    """What an agent reports as failed is its own words, and their kind."""
    ending = (await each.turn(each.backend(), "fail 401: the key is wrong"))[-1]
    assert ending == Failed(kind=FailureKind.AUTH, text="401: the key is wrong", explicit=True)


async def test_a_crash_is_a_failure_with_the_end_of_its_output(each: Stage) -> None:
    """An agent that dies without a word has failed, and its output's end is kept."""
    ending = (await each.turn(each.backend(), "crash Segmentation fault"))[-1]
    assert isinstance(ending, Failed)
    assert ending.kind is FailureKind.CRASH
    assert not ending.retryable
    assert "Segmentation fault" in ending.text


async def test_a_silent_agent_is_a_stall(each: Stage) -> None:
    """An agent that says nothing for the given time is ended, and may be tried again."""
    section = AgentSection(type=each.type, command=("sleep", "300"), stall_seconds=0.3)
    ending = (await each.turn(each.backend(section), "stall"))[-1]
    assert isinstance(ending, Failed)
    assert (ending.kind, ending.retryable) == (FailureKind.STALLED, True)


async def test_a_stopped_turn_leaves_no_process(each: Stage) -> None:
    """Stopping ends the turn as stopped, whatever the agent has started; to stop again is no error."""
    backend = each.backend()
    spec = each.spec("stall")
    handle = backend.new_session(spec)
    await backend.start(handle, spec)
    await until_marked(each.mark)
    await backend.stop(handle, grace_seconds=0.3)
    assert find_marked(each.mark) == []
    assert (await listen(backend, handle))[-1] == Stopped()
    await backend.stop(handle, grace_seconds=0.3)


async def test_a_stop_reaches_who_listens(each: Stage) -> None:
    """Whoever reads the events of a turn that is stopped gets its end."""
    backend = each.backend()
    spec = each.spec("stall")
    handle = backend.new_session(spec)
    await backend.start(handle, spec)
    async with asyncio.TaskGroup() as tasks:
        listening = tasks.create_task(listen(backend, handle))
        tasks.create_task(backend.stop(handle, grace_seconds=0.3))
        tasks.create_task(backend.stop(handle, grace_seconds=0.3))
    assert listening.result()[-1] == Stopped()


async def test_a_turn_nobody_listens_to_any_more_is_stopped(each: Stage) -> None:
    """A reader that went away does not keep the process from being ended."""
    backend = each.backend()
    spec = each.spec("stall")
    handle = backend.new_session(spec)
    await backend.start(handle, spec)
    async for _ in backend.events(handle):
        break
    await backend.stop(handle, grace_seconds=0)
    assert find_marked(each.mark) == []


async def test_stopping_what_has_ended_changes_nothing(each: Stage) -> None:
    """A turn that came to its end is not stopped afterwards: its ending stands."""
    backend = each.backend()
    spec = each.spec()
    handle = backend.new_session(spec)
    await backend.start(handle, spec)
    assert isinstance((await listen(backend, handle))[-1], Finished)
    await backend.stop(handle, grace_seconds=0)
    assert isinstance((await listen(backend, handle))[-1], Finished)


async def test_a_run_begins_once(each: Stage) -> None:
    """The same run id starts one process, however often and however close together it is begun."""
    backend = each.backend()
    spec = each.spec("stall")
    handle = backend.new_session(spec)
    async with asyncio.TaskGroup() as tasks:
        for _ in range(3):
            tasks.create_task(backend.start(handle, spec))
    assert len(list((each.root / "session").glob("run-*.log"))) == 1
    await backend.stop(handle, grace_seconds=0)
    await backend.start(handle, spec)
    assert find_marked(each.mark) == []


async def test_the_handle_is_plain_json_without_secrets(each: Stage) -> None:
    """A session's handle survives in a database, and holds nothing that opens anything."""
    section = AgentSection(type=each.type, command=("true",), env={"API_KEY": "s3cret-value"})
    backend = each.backend(section)
    handle = backend.new_session(each.spec())
    assert json.loads(json.dumps(handle)) == handle
    assert "s3cret-value" not in json.dumps(handle)
    assert not find_marked(each.mark)


async def test_a_new_daemon_ends_what_the_old_one_left(each: Stage) -> None:
    """After the daemon is gone its processes are ended, the turn counts as interrupted, and the next one can begin."""
    old = each.backend()
    spec = each.spec("stall")
    handle = old.new_session(spec)
    await old.start(handle, spec)
    new, kept = each.backend(), json.loads(json.dumps(handle))

    assert await new.resume(kept) is Resumed.INTERRUPTED
    assert find_marked(each.mark) == []
    await new.start(kept, each.spec("fix it"))
    assert isinstance((await listen(new, kept))[-1], Finished)
    assert await new.resume(kept) is Resumed.RESTORED
    await old.stop(handle, grace_seconds=0)


async def test_a_program_that_is_just_starting_is_swept_too(each: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel shows its environment a moment later than it shows the process: the first look misses it."""
    looks: list[str] = []

    def look(marking: str) -> list[int]:
        looks.append(marking)
        return [] if len(looks) == 1 else find_marked(marking)

    backend, spec = each.backend(), each.spec("stall")
    handle = backend.new_session(spec)
    await backend.start(handle, spec)
    monkeypatch.setattr("jirabot.agents.processes.find_marked", look)

    assert await each.backend().resume(handle) is Resumed.INTERRUPTED
    assert find_marked(each.mark) == []
    await backend.stop(handle, grace_seconds=0)


async def test_a_session_without_its_folders_is_lost(each: Stage) -> None:
    """Where the clone is gone there is nothing to go on with."""
    backend = each.backend()
    handle = backend.new_session(replace(each.spec(), cwd=each.root / "gone"))
    assert await backend.resume(handle) is Resumed.LOST


async def test_a_running_turn_is_attached(each: Stage) -> None:
    """A turn of this very daemon goes on."""
    backend = each.backend()
    spec = each.spec("stall")
    handle = backend.new_session(spec)
    await backend.start(handle, spec)
    assert await backend.resume(handle) is Resumed.ATTACHED
    await backend.discard(handle)
    assert find_marked(each.mark) == []


async def test_events_of_an_unknown_turn_are_its_loss(each: Stage) -> None:
    """To listen where nothing runs ends at once."""
    backend = each.backend()
    events = [event async for event in backend.events(backend.new_session(each.spec()))]
    assert [type(event) for event in events] == [Failed]


async def test_a_backend_says_whether_it_works(each: Stage) -> None:
    """The probe names the program and its containment, and starts nothing that stays."""
    probe = await each.backend().probe()
    assert probe.works
    assert (await each.containment.wall()).name in probe.detail


PRINT_SURROUNDINGS = """
import json, os, sys
given = {name: value for name, value in os.environ.items() if name not in ("PWD", "LC_CTYPE")}
prompt = sys.stdin.read()
same = open(os.environ["JIRABOT_PROMPT_FILE"]).read() == prompt
print(json.dumps({"type": "finished", "summary": json.dumps([given, os.getcwd(), prompt, same])}))
"""


async def test_the_agent_gets_what_is_promised_and_no_more(stage: Stage) -> None:
    """Prompt on standard input and in a file, its folders, its issue; of the daemon's environment a short list."""
    stage.environment |= {
        "JIRABOT_MASTER_KEY": "k",
        "AWS_SECRET_ACCESS_KEY": "x",
        "LANG": "C.UTF-8",
        "WANTED": "w4nted!",
    }
    backend = stage.running(PRINT_SURROUNDINGS, pass_env=("WANTED",), env={"MODEL": "big"})
    ending = (await stage.turn(backend, "say ü"))[-1]
    assert isinstance(ending, Finished)
    given, folder, prompt, same = json.loads(ending.summary)
    assert given == {
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "WANTED": "***",
        "MODEL": "big",
        "HOME": str(stage.root / "home"),
        "JIRABOT_RUN": "run1",
        "JIRABOT_CONVERSATION_ID": stage.conversation,
        "JIRABOT_ISSUE_KEY": "PAY-7",
        "JIRABOT_BASE": "main",
        "JIRABOT_SESSION_DIR": str(stage.root / "session"),
        "JIRABOT_PROMPT_FILE": str(stage.root / "session" / "prompt.md"),
    }
    assert folder == str(stage.root / "clone")
    assert prompt.endswith("**Ada Lovelace:** say ü")
    assert same


NETWORKED = """
import os
trusted = open(os.environ["SSL_CERT_FILE"]).read()
print(trusted.splitlines()[-1], os.environ["HTTPS_PROXY"], os.environ.get("GIT_SSL_CERT"))
"""


async def test_b87_the_agent_gets_its_workspaces_authorities_and_proxy_and_no_certificate(stage, tmp_path):
    """Also within its containment, where it sees no file of ours."""
    ca = tmp_path / "ca.pem"
    ca.write_text("the company's authority")
    network = Network(ca_file=str(ca), proxy="http://proxy.example:3128", client_cert_file="/etc/client.pem")
    backend, spec = stage.running(NETWORKED), replace(stage.spec(), network=network)
    handle = backend.new_session(spec)
    await backend.start(handle, spec)
    ending = (await listen(backend, handle))[-1]

    assert isinstance(ending, Finished)
    assert ending.summary == "the company's authority http://proxy.example:3128 None"


async def test_secrets_are_masked_wherever_an_agent_prints_them(stage: Stage) -> None:
    """A value that a section gives stands in no event and in no log."""
    program = """
import json, os, sys
key = os.environ["API_KEY"]
for line in ({"type": "progress", "text": key, "tool": key}, {"type": "message", "text": f"key {key}"}):
    print(json.dumps(line))
print("plain", key)
sys.exit(f"no good: {key}")
"""
    events = await stage.turn(stage.running(program, env={"API_KEY": 's3cret"value'}))
    assert events[1:3] == [Progress(text="***", tool="***"), Message(text="key ***")]
    assert isinstance(events[-1], Failed)
    assert "no good: ***" in events[-1].text
    log = (stage.root / "session" / "run-run1.log").read_text()
    assert "plain ***" in log
    assert "s3cret" not in log


@pytest.mark.parametrize("is_daemons", [pytest.param(True, id="the daemon's"), pytest.param(False, id="the section's")])
async def test_the_password_of_a_proxy_is_masked(stage: Stage, is_daemons: bool) -> None:
    """An agent that shows its environment, or what a proxy has refused, shows no password."""
    proxy = {"HTTPS_PROXY": "http://jirabot:p%40ss-word@proxy.example.com:3128"}
    if is_daemons:
        stage.environment |= proxy
    program = """
import os
print(os.environ["HTTPS_PROXY"], "says: wrong password p@ss-word of jirabot")
"""
    ending = (await stage.turn(stage.running(program, env={} if is_daemons else proxy)))[-1]
    assert ending == Finished(summary="*** says: wrong password *** of jirabot", explicit=False)


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        pytest.param("print('All done.')", Finished(summary="All done.", explicit=False), id="exit 0 is finished"),
        pytest.param(
            "print('Here.'); print('JIRABOT: DONE'); exit(1)", Finished(summary="Here."), id="the mark decides"
        ),
        pytest.param(
            "import sys; print('busy', file=sys.stderr); sys.exit(75)",
            Failed(kind=FailureKind.BACKEND, text="exit code 75\n\nbusy", retryable=True),
            id="exit 75 asks for another attempt",
        ),
        pytest.param(
            "import sys; sys.exit(2)", Failed(kind=FailureKind.CRASH, text="exit code 2"), id="other codes do not"
        ),
        pytest.param(
            'print(\'{"type": "message", "text": "It is blue."}\')',
            Finished(summary="It is blue.", explicit=False),
            id="the last message is the summary",
        ),
        pytest.param(
            'print(\'{"type": "finished", "summary": "one"}\\n{"type": "failed"}\'); exit(9)',
            Finished(summary="one"),
            id="the first ending stands",
        ),
        pytest.param(
            "import sys; sys.stdout.write('no line end')",
            Finished(summary="no line end", explicit=False),
            id="the last line needs no end",
        ),
        pytest.param(
            "import sys; sys.stderr.write('x' * 500_000); print('JIRABOT: DONE')",
            Finished(summary=""),
            id="much on standard error blocks nothing",
        ),
    ],
)
async def test_how_a_turn_ends(stage: Stage, program: str, expected: Ending) -> None:
    assert (await stage.turn(stage.running(program)))[-1] == expected


async def test_a_huge_line_is_read_whole(stage: Stage) -> None:
    """A line of 8 MB is one event; what it says is cut to what can be kept."""
    program = "import json; print(json.dumps({'type': 'message', 'text': 'x' * 8_000_000})); print('JIRABOT: DONE')"
    events = await stage.turn(stage.running(program))
    assert events[1] == Message(text="x" * 30_000 + " […]")


async def test_usage_is_passed_on(stage: Stage) -> None:
    """What a turn has used is reported as it comes."""
    program = 'print(\'{"type": "usage", "input_tokens": 5, "cost": 0.5}\\n{"type": "finished"}\')'
    assert (await stage.turn(stage.running(program)))[1:] == [Usage(input_tokens=5, cost=0.5), Finished(summary="")]


async def test_a_turn_over_its_time_is_ended(stage: Stage) -> None:
    """However much an agent says, it has no more than its time."""
    program = "import time\nwhile True:\n    print('busy', flush=True)\n    time.sleep(0.02)"
    ending = (await stage.turn(stage.running(program, timeout_seconds=0.4, stall_seconds=5.0)))[-1]
    assert isinstance(ending, Failed)
    assert (ending.kind, ending.retryable) == (FailureKind.LIMIT, False)


async def test_a_flood_of_output_is_kept_within_bounds(stage: Stage) -> None:
    """An agent that prints faster than anybody reads waits; its log has an end."""
    program = "line = 'x' * 100_000\nfor _ in range(150):\n    print(line)\nprint('JIRABOT: DONE')"
    assert (await stage.turn(stage.running(program)))[-1] == Finished(summary="x" * 3986)
    log = stage.root / "session" / "run-run1.log"
    assert 10_000_000 < log.stat().st_size < 11_000_000
    assert log.read_bytes().endswith(b"[... the log ends here: it is full]\n")


async def test_a_planted_link_leads_nowhere(stage: Stage) -> None:
    """What an agent puts where our files come is replaced, not followed."""
    target = stage.root / "target"
    target.write_text("untouched")
    for name in ("prompt.md", "run-run1.log"):
        (stage.root / "session" / name).symlink_to(target)
    await stage.turn(stage.running("print('x')"))
    assert target.read_text() == "untouched"


@pytest.mark.parametrize(
    ("section", "words"),
    [
        pytest.param(AgentSection(type="command", command=("no-such-agent",)), "is not installed", id="no program"),
        pytest.param(
            AgentSection(type="command", command=("true",), pass_env=("NO_SUCH_KEY",)), "NO_SUCH_KEY", id="no variable"
        ),
    ],
)
async def test_an_agent_that_can_not_be_started_is_told(stage: Stage, section: AgentSection, words: str) -> None:
    """The error names what is missing and where it is set, and the probe says the same."""
    backend = stage.backend(section)
    spec = stage.spec()
    with pytest.raises(AgentUnavailable, match=words) as failed:
        await backend.start(backend.new_session(spec), spec)
    assert "[agents.local]" in failed.value.hint
    probe = await backend.probe()
    assert not probe.works
    assert words in probe.detail


async def test_a_daemon_that_is_killed_leaves_nothing_a_new_one_does_not_end(stage: Stage) -> None:
    """After `kill -9` of the daemon its agent is ended by the next one's `resume`, from the handle alone."""
    program = stage.root / "daemon.py"
    wall = (await stage.containment.wall()).name
    program.write_text(DAEMON)
    arguments = (str(stage.root), stage.conversation, wall)
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY)}
    daemon = await asyncio.create_subprocess_exec(
        sys.executable, str(program), *arguments, env=environment, stdout=subprocess.PIPE
    )
    assert daemon.stdout is not None
    handle = json.loads(await daemon.stdout.readline())
    daemon.kill()
    await daemon.communicate()

    assert await stage.backend().resume(handle) is Resumed.INTERRUPTED
    assert find_marked(stage.mark) == []


DAEMON = """
import asyncio, json, os, sys
from pathlib import Path
from jirabot.agents.containment import Bubblewrap, Containment, Marked
from jirabot.agents.registry import AgentSection, make_backend
from jirabot.core.agents import RunSpec

async def main(root, conversation, wall):
    containment = Containment(Marked() if wall == "mark" else Bubblewrap(hidden=[root]))
    backend = make_backend("a", AgentSection(type="scripted"), environment=os.environ, containment=containment)
    spec = RunSpec(
        run_id="r", conversation_id=conversation, issue_key="PAY-7", prompt="stall",
        cwd=root / "clone", home=root / "home", session_dir=root / "session",
    )
    handle = backend.new_session(spec)
    await backend.start(handle, spec)
    print(json.dumps(handle), flush=True)
    await asyncio.Event().wait()

asyncio.run(main(Path(sys.argv[1]), *sys.argv[2:]))
"""


async def test_the_scripted_agent_commits_what_it_edits(stage: Stage) -> None:
    """It edits the file that the request names, and commits; without a name it keeps notes."""
    clone = stage.root / "clone"
    (clone / "app.py").write_text("x = 1\n")
    backend = stage.backend(AgentSection(type="scripted"))
    events = await stage.turn(backend, "edit `app.py`, please")
    assert [event.tool for event in events if isinstance(event, Progress)] == ["read", "edit", "git commit"]
    assert (clone / "app.py").read_text() == "x = 1\n# PAY-7: `app.py`, please\n"
    await stage.turn(backend, "add a colour")
    assert (clone / "NOTES.md").read_text() == "- PAY-7: add a colour\n"
    assert git(clone, "log", "--format=%s").splitlines() == ["PAY-7: add a colour", "PAY-7: `app.py`, please"]


async def test_the_scripted_agent_plays_a_script(stage: Stage) -> None:
    """A script's lines come as written, each turn up to its ending, and then from the beginning."""
    script = stage.root / "script.jsonl"
    script.write_text(
        '{"type": "progress", "text": "reads", "after": 0.01}\n'
        '{"type": "question", "text": "which?"}\n\n'
        '{"type": "finished", "summary": "done"}\n'
    )
    if (await stage.containment.wall()).name == "bubblewrap":
        stage.containment = Containment(Bubblewrap())
    backend = stage.backend(AgentSection(type="scripted", script=script))
    endings = [(await stage.turn(backend))[1:] for _ in range(3)]
    assert endings == [
        [Progress(text="reads"), Question(text="which?")],
        [Finished(summary="done")],
        [Progress(text="reads"), Question(text="which?")],
    ]


@pytest.mark.fast
@pytest.mark.parametrize(
    ("section", "words"),
    [
        pytest.param(AgentSection(type="robot"), "the type `robot`, which there is not", id="an unknown type"),
        pytest.param(AgentSection(type="command"), "has no command", id="no command"),
    ],
)
def test_a_section_that_is_wrong_is_told(section: AgentSection, words: str) -> None:
    with pytest.raises(AgentUnavailable, match=words) as failed:
        Backends({"local": section}, environment={}, containment=Containment(Marked()))["local"]
    assert "[agents.local]" in failed.value.hint


@pytest.mark.fast
def test_a_section_that_is_wrong_fails_only_what_needs_it() -> None:
    sections = {"wrong": AgentSection(type="robot"), "right": AgentSection(type="scripted")}

    backends = Backends(sections, environment={}, containment=Containment(Marked()))

    assert list(backends) == ["wrong", "right"]
    assert backends["right"].name == "right"
    assert backends["right"] is backends["right"]
    assert backends.get("absent") is None


@pytest.mark.parametrize(
    ("content", "mode", "words"),
    [
        pytest.param("KEY=value", 0o644, r"can be read by others \(mode `0644`\)", id="others can read it"),
        pytest.param("KEY value", 0o600, "line 1 .* is no `NAME=value`", id="a line without a name"),
        pytest.param(None, 0o600, "can't be read: No such file", id="there is none"),
    ],
)
async def test_an_env_file_that_can_not_be_used_is_told(
    stage: Stage, content: str | None, mode: int, words: str
) -> None:
    path = stage.root / "secrets.env"
    if content is not None:
        path.write_text(content)
        path.chmod(mode)
    with pytest.raises(AgentUnavailable, match=words):
        stage.backend(AgentSection(type="scripted", env_file=path))


async def test_an_env_file_gives_secrets(stage: Stage) -> None:
    """Its values reach the agent, and are masked; what the section sets itself wins."""
    path = stage.root / "secrets.env"
    path.write_text("# the key\nexport API_KEY='s3cret-value'\n\nMODEL=small\n")
    path.chmod(0o600)
    program = "import os; print(len(os.environ['API_KEY']), os.environ['API_KEY'], os.environ['MODEL'])"
    ending = (await stage.turn(stage.running(program, env_file=path, env={"MODEL": "big"})))[-1]
    assert ending == Finished(summary="12 *** big", explicit=False)
