"""Pauses: new runs are held back everywhere, in a workspace or of an agent; all else goes on."""

import difflib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from jirabot.core import breakers, checks, scopes
from jirabot.core.access import Rights, check_operator
from jirabot.core.audit import Act
from jirabot.core.checks import Check
from jirabot.core.ids import BackendName, WorkspaceId
from jirabot.core.managers import audit
from jirabot.core.managers.directory import named
from jirabot.core.pauses import Pause
from jirabot.core.people import Principal
from jirabot.core.ports import Clock, Storage, Transaction
from jirabot.core.workspaces import Workspace
from jirabot.errors import NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """What `resume` has ended. `others`: what is paused still, as it is typed after `jirabot resume`."""

    pause: bool
    wait: bool
    """Whether the agent was left alone for a while, as it had failed: the next run tries it now."""
    others: Sequence[str]


class Pauses:
    """Holds new runs back, and lets them begin again."""

    def __init__(self, *, storage: Storage, clock: Clock, agents: Collection[str]) -> None:
        self._storage, self._clock, self._agents = storage, clock, agents

    async def pause(self, *, by: Principal, workspace: str = "", agent: str = "") -> bool:
        """Let no new run begin: in a workspace, of an agent, or everywhere; False where that is so already.

        Raises:
            WorkspaceNotFound, NotFound: no such workspace or agent.
        """
        check_operator(by)
        self._check(agent)

        def change(tx: Transaction) -> bool:
            now, scope = self._clock.now(), _scope(tx, workspace, agent)
            begun = tx.pauses.add(Pause(scope=scope, paused_by=by.name, paused_at=now))
            if begun:
                audit.record(tx, Act.RUNS_PAUSED, by=by, now=now, workspace=_of(tx, scope), subject=scope)
            return begun

        return await self._storage.write(change)

    async def resume(self, *, by: Principal, workspace: str = "", agent: str = "") -> Resumed:
        """End such a pause, if there is one; an agent that was left alone since it had failed is tried at once.

        An agent that is no longer configured can be resumed.

        Raises:
            WorkspaceNotFound: there is none of that name.
        """
        check_operator(by)

        def change(tx: Transaction) -> Resumed:
            now, scope = self._clock.now(), _scope(tx, workspace, agent)
            ended, hurried = tx.pauses.remove(scope), _hurry(tx, BackendName(agent), now)
            if ended or hurried:
                audit.record(tx, Act.RUNS_RESUMED, by=by, now=now, workspace=_of(tx, scope), subject=scope)
            return Resumed(pause=ended, wait=hurried, others=[told(tx, pause) for pause in tx.pauses.list()])

        return await self._storage.write(change)

    def _check(self, agent: str) -> None:
        if agent and agent not in self._agents:
            near = difflib.get_close_matches(agent, self._agents, n=1)
            names = ", ".join(f"`{name}`" for name in self._agents) or "none"
            hint = f"did you mean `{near[0]}`?" if near else f"configured: {names}"
            raise NotFound(f"there is no agent `{agent}`", hint=hint)


def over(tx: Transaction, workspace_id: WorkspaceId, agent: str) -> Sequence[Pause]:
    """List the pauses that hold back new runs of an agent in a workspace, the newest first."""
    among = {scopes.EVERYWHERE, scopes.of_workspace(workspace_id), scopes.of_agent(agent)}
    return [pause for pause in tx.pauses.list() if pause.scope in among]


def told(tx: Transaction, pause: Pause) -> str:
    """Name what a pause holds back, as it is typed after `jirabot resume`."""
    return checks.resumed(pause, workspace=_name_of(tx, pause))


def as_check(tx: Transaction, pause: Pause) -> Check:
    """Tell of a pause, and how it is ended."""
    return checks.pause(pause, workspace=_name_of(tx, pause))


def held_back(tx: Transaction, rights: Rights, switched_off: Collection[str]) -> tuple[Check, ...]:
    """Tell of all that holds work back on purpose: pauses, and webhooks that are switched off.

    Of what is administered: a pause of everything or of an agent holds back any workspace, and so is told to each.
    """
    served = [each for each in tx.workspaces.list() if rights.may_administer(each.id)]
    seen = {None, *(each.id for each in served)} if served or rights.everything else set()
    return (
        *(as_check(tx, each) for each in tx.pauses.list() if scopes.workspace_in(each.scope) in seen),
        *(checks.switched_off(name) for name in sorted({each.deployment for each in served} & set(switched_off))),
    )


def _hurry(tx: Transaction, agent: BackendName, now: datetime) -> bool:
    """Let the next run try an agent that is left alone; False where nothing keeps it from that."""
    breaker = tx.breakers.find(agent)
    if breaker is None or breaker.due_at <= now:
        return False
    tx.breakers.save(breakers.hurried(breaker, now=now))
    return True


def _name_of(tx: Transaction, pause: Pause) -> str:
    """Give the name of the workspace that a pause is of; empty where it is of none."""
    workspace = _of(tx, pause.scope)
    return workspace.name if workspace else ""


def _of(tx: Transaction, scope: str) -> Workspace | None:
    workspace_id = scopes.workspace_in(scope)
    return tx.workspaces.find(workspace_id) if workspace_id else None


def _scope(tx: Transaction, workspace: str, agent: str) -> str:
    if workspace:
        return scopes.of_workspace(named(tx, workspace).id)
    return scopes.of_agent(agent) if agent else scopes.EVERYWHERE
