"""The `command` backend: one process a turn, started in the conversation's clone, that reports in lines.

It owns no task: the event loop's callbacks collect what a process prints, and whoever reads `events` drives the turn.
What a session remembers is the agent's own affair, in its HOME and session folder; the handle only says where they are.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from jirabot.agents import network
from jirabot.agents.containment import (
    DEFAULT_PATH,
    MARK,
    Containment,
    Launch,
    inherited,
)
from jirabot.agents.installations import installation
from jirabot.agents.masking import Mask
from jirabot.agents.processes import sweep
from jirabot.agents.turn import Command, Turn, write_new
from jirabot.core.agents import (
    AgentEvent,
    Capabilities,
    Failed,
    FailureKind,
    Handle,
    Probe,
    Resumed,
    RunSpec,
)
from jirabot.core.ids import BackendName, ConversationId
from jirabot.errors import AgentUnavailable, ConfigurationInvalid

PROMPT_FILE = "prompt.md"
AUTHORITIES_FILE = "authorities.pem"


class CommandBackend:
    """Fulfils `AgentBackend` with any program that reads a prompt and prints what it does."""

    def __init__(
        self,
        name: BackendName,
        command: Command,
        *,
        containment: Containment,
        environment: Mapping[str, str],
    ) -> None:
        """Drive *command*; of *environment*, the daemon's own, only the allow-list reaches the agent."""
        self._name, self._command, self._containment = name, command, containment
        self._inherited = inherited(environment)
        proxies = network.secrets_of_proxies({**self._inherited, **command.environment})
        self._mask = Mask([*command.environment.values(), *proxies])
        self._turns: dict[ConversationId, Turn] = {}
        self._starting = asyncio.Lock()

    @property
    def name(self) -> BackendName:
        return self._name

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(resume=True)

    async def probe(self) -> Probe:
        try:
            executable = self._executable()
            wall = await self._containment.wall()
        except AgentUnavailable as error:
            return Probe(works=False, detail=f"{error.message}; {error.hint}" if error.hint else error.message)
        return Probe(works=True, detail=f"`{executable}`, contained by {wall.name}")

    def new_session(self, spec: RunSpec) -> Handle:
        return {
            "backend": self._name,
            "conversation": spec.conversation_id,
            "run": spec.run_id,
            "mark": f"{MARK}={spec.session_dir}",
            "cwd": str(spec.cwd),
            "home": str(spec.home),
            "session_dir": str(spec.session_dir),
        }

    async def start(self, handle: Handle, spec: RunSpec) -> None:
        async with self._starting:
            before = self._turns.get(spec.conversation_id)
            if before is not None:
                if before.run_id == spec.run_id:
                    return
                await before.stop(grace_seconds=0.0)
            launch = await asyncio.to_thread(self._prepare, spec)
            turn = Turn(spec, self._command, self._mask)
            try:
                await turn.begin(self._containment, launch)
            except BaseException:
                turn.close()
                raise
            self._turns[spec.conversation_id] = turn

    async def events(self, handle: Handle) -> AsyncIterator[AgentEvent]:
        turn = self._turns.get(handle["conversation"])
        if turn is None:
            yield Failed(kind=FailureKind.LOST, text="no turn of this session runs here")
            return
        async for event in turn.events():
            yield event

    async def stop(self, handle: Handle, *, grace_seconds: float) -> None:
        turn = self._turns.get(handle["conversation"])
        if turn is None:
            await sweep(handle["mark"])
            return
        await turn.stop(grace_seconds=grace_seconds)

    async def resume(self, handle: Handle) -> Resumed:
        turn = self._turns.get(handle["conversation"])
        if turn is not None and turn.is_running:
            return Resumed.ATTACHED
        await sweep(handle["mark"])
        places = [Path(handle[place]) for place in ("cwd", "home", "session_dir")]
        if not all([await asyncio.to_thread(place.is_dir) for place in places]):
            return Resumed.LOST
        return Resumed.INTERRUPTED if turn is None else Resumed.RESTORED

    async def discard(self, handle: Handle) -> None:
        await self.stop(handle, grace_seconds=0.0)
        self._turns.pop(handle["conversation"], None)

    @property
    def _path(self) -> str:
        """Where the agent's programs are looked for."""
        return self._command.environment.get("PATH") or self._inherited.get("PATH", DEFAULT_PATH)

    def _executable(self) -> Path:
        """Find the program.

        Raises:
            AgentUnavailable: there is none, or the environment lacks what it needs.
        """
        if self._command.missing:
            names = ", ".join(f"`{name}`" for name in self._command.missing)
            raise AgentUnavailable(
                f"the agent `{self._name}` needs {names}, which the daemon's environment does not have",
                hint=f"set it where jirabot is started, or take it out of `[agents.{self._name}] pass_env`",
            )
        if not self._command.arguments:
            raise AgentUnavailable(
                f"the agent `{self._name}` has no command", hint=f'set `command = ["…"]` in `[agents.{self._name}]`'
            )
        program = self._command.arguments[0]
        found = shutil.which(program, path=self._path)
        if found is None:
            raise AgentUnavailable(
                f"the command `{program}` of the agent `{self._name}` is not installed",
                hint=f"install it, or set its full path in `[agents.{self._name}] command`",
            )
        return Path(found).absolute()

    def _prepare(self, spec: RunSpec) -> Launch:
        """Write the prompt down and put together what is started.

        Raises:
            AgentUnavailable: the program or the conversation's folders are missing.
        """
        executable = self._executable()
        prompt = spec.session_dir / PROMPT_FILE
        write_new(prompt, spec.prompt.encode())
        authorities = spec.session_dir / AUTHORITIES_FILE
        try:
            if trusted := network.authorities_of(spec.network, self._inherited):
                write_new(authorities, trusted)
        except ConfigurationInvalid as error:
            raise AgentUnavailable(error.message, hint=error.hint) from error
        around = network.variables(spec.network, authorities=authorities)
        given = {
            "HOME": str(spec.home),
            "JIRABOT_RUN": spec.run_id,
            "JIRABOT_CONVERSATION_ID": spec.conversation_id,
            "JIRABOT_ISSUE_KEY": spec.issue_key,
            "JIRABOT_BASE": spec.base,
            MARK: str(spec.session_dir),
            "JIRABOT_PROMPT_FILE": str(prompt),
        }
        return Launch(
            command=(str(executable), *self._command.arguments[1:]),
            cwd=spec.cwd,
            environment={**self._inherited, **around, **self._command.environment, **given},
            mark=MARK,
            writable=(spec.cwd, spec.home, spec.session_dir),
            readable=(*installation(executable, path=self._path), *_named(self._command), *self._command.readable),
            standard_input=prompt,
        )


def _named(command: Command) -> list[Path]:
    """List the files and folders that a command line names by their whole path: the agent is meant to see them."""
    return [Path(argument) for argument in command.arguments[1:] if argument.startswith("/")]
