"""What bubblewrap is told to show of a home and of the files that hold secrets, by its command line."""

import contextlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pytest

from jirabot.agents.checkout import GitCheckouts
from jirabot.agents.containment import MARK, Bubblewrap, Containment, Launch, homes
from jirabot.agents.installations import installation
from jirabot.agents.registry import AgentSection, make_backend
from jirabot.app import check_settings
from jirabot.config import load
from jirabot.core.agents import RunSpec
from jirabot.core.checkouts import Signature
from jirabot.core.ids import BackendName, ConversationId, IssueKey, RunId
from jirabot.errors import AgentUnavailable, ConfigurationInvalid

pytestmark = [pytest.mark.fast, pytest.mark.skipif(sys.platform == "win32", reason="homes are those of POSIX")]

SEARCHED = "/usr/bin:/bin"


@dataclass(frozen=True)
class Home:
    """The home of the user that runs the daemon, with the data folder in it, as it is by default."""

    folder: Path

    @property
    def data(self) -> Path:
        return self.folder / ".local/share/jirabot"

    def file(self, name: str, content: str = "s3cret") -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        return path

    def program(self, name: str, first_line: str = "#!/bin/sh") -> Path:
        path = self.file(name, f"{first_line}\n")
        path.chmod(0o755)
        return path

    def link(self, name: str, to: Path | str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(to)
        return path

    def seen(self, *readable: Path, hidden: tuple[Path, ...] = (), **environment: str) -> "Seen":
        """Give what a launch sees that has to read *readable*, and works in a conversation's clone."""
        clone = self.data / "conversations/c1/clone"
        clone.mkdir(parents=True, exist_ok=True)
        launch = Launch(
            command=("true",),
            cwd=clone,
            environment={MARK: "m", **environment},
            mark=MARK,
            writable=(clone,),
            readable=readable,
        )
        return Seen(Bubblewrap(homes=[self.folder], hidden=[self.data, *hidden]).arguments(launch))


class Seen:
    """What a command line of bubblewrap shows: of all that lies over a place, the last decides."""

    def __init__(self, line: list[str]) -> None:
        self.mounts: list[tuple[Path, str]] = []
        words = iter(line)
        for word in words:
            match word:
                case "--":
                    break
                case "--tmpfs":
                    self.mounts.append((Path(next(words)), "nothing"))
                case "--bind" | "--ro-bind" | "--ro-bind-try":
                    source, place = next(words), Path(next(words))
                    self.mounts.append((place, "nothing" if source == "/dev/null" else word))

    def __contains__(self, place: Path) -> bool:
        over = [how for mounted, how in self.mounts if place.is_relative_to(mounted)]
        return over[-1] != "nothing"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.mark.parametrize(
    "name",
    [".ssh/id_ed25519", ".netrc", ".config/jirabot/jirabot.toml", ".local/share/keyrings/login.keyring", "notes"],
)
def test_of_the_home_nothing_is_seen(home: Home, name: str) -> None:
    """Not even where the agent's own program lies beside it."""
    secret, program = home.file(name), home.program(".local/bin/agent")

    seen = home.seen(*installation(program, path=SEARCHED))

    assert (home.folder, "nothing") in seen.mounts
    assert secret not in seen


@pytest.mark.parametrize("name", [".local/bin/agent", "bin/agent", "agent", ".venv/bin/agent", "tools/agent"])
def test_the_agents_program_is_seen(home: Home, name: str) -> None:
    program, key = home.program(name), home.file(".ssh/id_ed25519")

    seen = home.seen(*installation(program, path=SEARCHED))

    assert program in seen
    assert key not in seen


def test_each_link_on_the_way_to_a_program_is_seen(home: Home) -> None:
    """Of an installation by versions, of one whose folder has another name, and of the interpreter of a script."""
    version = home.program(".local/share/agent/versions/1.2.3/agent")
    by_version = home.link(".local/bin/agent", version)
    home.program("pythons/3.11.9/bin/python3.11", "")
    home.link("pythons/3.11", "3.11.9")
    home.link("venv/bin/python", home.folder / "pythons/3.11/bin/python3.11")
    script = home.program("venv/bin/script", f"#!{home.folder}/venv/bin/python")
    by_env = home.program("npm/bin/other", "#!/usr/bin/env -S node --quiet")
    node = home.program("node/bin/node", "")
    path = f"{node.parent}:{SEARCHED}"

    seen = home.seen(*(place for each in (by_version, script, by_env) for place in installation(each, path=path)))

    assert [place for place in (by_version, version, script, by_env, node) if place not in seen] == []
    assert home.folder / "venv/lib" in seen
    assert home.folder / "pythons/3.11/lib" in seen
    assert home.folder / "pythons/3.11.9/lib" in seen
    assert home.folder / ".local/share/keyrings" not in seen


def test_nothing_is_bound_into_what_is_bound_already(home: Home) -> None:
    """Bubblewrap would follow a link that stands there, and fail."""
    version = home.program("opt/agent")
    program = home.link("tools/bin/agent", version)

    shown = [place for place, how in home.seen(*installation(program, path=SEARCHED)).mounts if how == "--ro-bind-try"]

    assert shown == [home.folder / "opt", home.folder / "tools"]


def test_what_is_hidden_is_not_seen_although_it_lies_in_what_is(home: Home) -> None:
    """The data folder and a file with secrets stay hidden whatever has to be read; the conversation's clone is seen."""
    key, env_file = home.file(".local/share/jirabot/master.key"), home.file("tools/agent.env")

    seen = home.seen(home.folder / "tools", home.folder / ".local", hidden=(env_file, home.folder / "absent"))

    assert home.folder / "tools/agent" in seen
    assert env_file not in seen
    assert key not in seen
    assert home.data / "conversations/c1/clone/file" in seen


@pytest.mark.parametrize("name", ["", ".."])
def test_a_home_is_never_seen_as_a_whole(home: Home, name: str) -> None:
    assert home.file(".netrc") not in home.seen(home.folder / name)


def test_a_home_may_be_a_link(home: Home, tmp_path: Path) -> None:
    program = home.program(".local/bin/agent")
    (tmp_path / "other").symlink_to(home.folder)

    by_its_link = Home(tmp_path / "other").seen(tmp_path / "other/.local/bin/agent")

    assert program in by_its_link
    assert home.file(".netrc") not in by_its_link


def test_the_authorities_that_are_named_are_seen(home: Home) -> None:
    authorities = home.file("certs/company.pem")

    seen = home.seen(SSL_CERT_FILE=str(authorities), REQUESTS_CA_BUNDLE="")

    assert authorities in seen
    assert home.file("certs/company.key") not in seen


@pytest.mark.parametrize(
    ("named", "found"),
    [
        pytest.param("/home/jirabot", [Path("/home/jirabot")], id="a home"),
        pytest.param("/", [], id="that of users without one"),
        pytest.param("/usr/sbin", [], id="that of a service, where programs are"),
        pytest.param("/dev", [], id="that of another"),
        pytest.param("here", [], id="no whole path"),
        pytest.param("", [], id="none"),
    ],
)
def test_homes_are_those_of_people(named: str, found: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """A user whom the system does not know, as in containers, has the one of the environment."""

    def unknown(_: int) -> None:
        raise KeyError

    monkeypatch.setattr("pwd.getpwuid", unknown)
    assert homes({"HOME": named}) == found


def test_the_home_that_the_system_knows_is_one_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """`sudo` may leave `HOME` as it was."""
    monkeypatch.setattr("pwd.getpwuid", lambda _: type("Entry", (), {"pw_dir": "/srv/jirabot"}))
    assert homes({"HOME": "/home/ada"}) == [Path("/home/ada"), Path("/srv/jirabot")]


class _Caught(Containment):
    """Starts nothing; keeps what it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.launches: list[Launch] = []

    async def begin(self, launch: Launch, listener: object = None) -> NoReturn:
        self.launches.append(launch)
        raise AgentUnavailable("nothing is started here")


async def test_an_agent_is_shown_its_program_and_what_its_section_names(home: Home) -> None:
    """What stands in its command line by its whole path, and `readable`."""
    program, script, cache = home.program("bin/agent"), home.file("work/agent.py"), home.folder / ".cache/agent"
    section = AgentSection(type="command", command=(str(program), "--quiet", str(script)), readable=(cache,))
    caught = _Caught()
    backend = make_backend(BackendName("local"), section, environment={"PATH": SEARCHED}, containment=caught)
    spec = RunSpec(
        run_id=RunId("r1"),
        conversation_id=ConversationId("c1"),
        issue_key=IssueKey("PAY-7"),
        prompt="fix it",
        cwd=home.folder,
        home=home.folder,
        session_dir=home.folder,
    )

    with pytest.raises(AgentUnavailable, match="nothing is started here"):
        await backend.start(backend.new_session(spec), spec)

    seen = home.seen(*caught.launches[0].readable)
    assert [place for place in (program, script, cache) if place not in seen] == []
    assert home.folder / "work/other.py" not in seen


async def test_git_is_shown_where_it_works_as_the_agent(home: Home, tmp_path: Path) -> None:
    """It may be installed in the home, as by conda or nix."""
    git, caught = home.program("conda/bin/git"), _Caught()
    environment = {"PATH": f"{git.parent}:{os.environ['PATH']}"}
    checkouts = GitCheckouts(
        mirrors=tmp_path / "m", conversations=tmp_path / "c", environment=environment, containment=caught
    )
    (tmp_path / "c/c1").mkdir(parents=True)
    (tmp_path / "c/c1/checkout.json").write_text('{"branch": "b", "base": "main"}')
    signature = Signature(name="bot", email="b@example.org", issue_key="PAY-7", requested_by="Ada")

    with pytest.raises(AgentUnavailable):
        await checkouts.prepare(ConversationId("c1"), None, base="", branch="", signature=signature)

    assert home.folder / "conda/libexec" in home.seen(*caught.launches[0].readable)


def test_the_files_that_hold_secrets_are_hidden_with_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The configuration, keys and the variables of all agents: each agent gets its own by its environment."""
    env_file = tmp_path / "agent.env"
    env_file.write_text("KEY=value\n")
    env_file.chmod(0o600)
    file = tmp_path / "jirabot.toml"
    file.write_text(
        f'[workspace]\nclient_cert_file = "/etc/jirabot/client.pem"\n'
        f'[agents.a]\ntype = "scripted"\nenv_file = "{env_file}"\n[agents.b]\ntype = "scripted"\n'
    )
    monkeypatch.setenv("HOME", "/home/jirabot")
    monkeypatch.setenv("JIRABOT_MASTER_KEY_FILE", "/etc/jirabot/master.key")
    given: dict[str, Any] = {}

    def best(**places: Any) -> Containment:
        given.update(places)
        return Containment()

    monkeypatch.setattr(Containment, "best", best)

    with contextlib.suppress(ConfigurationInvalid):
        check_settings(load(file, data_dir=tmp_path / "data"))

    files = [file, Path("/etc/jirabot/master.key"), Path("/etc/jirabot/client.pem"), env_file]
    assert given["hidden"] == [tmp_path / "data", *files]
    assert Path("/home/jirabot") in given["homes"]
