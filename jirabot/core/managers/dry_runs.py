"""Dry runs: what a delivery would lead to, by the pipeline's own examination. Writes nothing.

Where no workspace serves its Jira, or Jira does not answer, the payload alone decides: its person taken as linked, and
what it says as confirmed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jirabot.config import LimitsSettings, WorkspaceDefaults
from jirabot.core import cures, outcomes, views
from jirabot.core.credentials import Credentials
from jirabot.core.decisions import Answer, Decision, Facts, Refuse, Start, decide, unasked_by
from jirabot.core.deliveries import Step
from jirabot.core.events import parse
from jirabot.core.ids import AccountId, BackendName, DeliveryId, LinkId, UserId, WorkspaceId, WorkspaceName
from jirabot.core.managers.directory import Served, bot_of, limits_of
from jirabot.core.managers.examiner import Examiner
from jirabot.core.openings import Circumstances
from jirabot.core.openings import start as open_start
from jirabot.core.outcomes import Examination
from jirabot.core.people import Account, Link, LinkState, Principal, Role
from jirabot.core.permissions import UNASKED, Linked
from jirabot.core.ports import Clock, Decode, Deployment, Schemes
from jirabot.core.texts import Texts
from jirabot.core.triggers import Remark, Trigger, detect
from jirabot.core.workspaces import Workspace, WorkspaceState
from jirabot.errors import JirabotError, Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What a replay did, or would do. `failed`: it ended as a dead letter, or with a failed run.

    `hint`: what an operator can do about it; empty: nothing.
    """

    delivery_id: DeliveryId | None
    dry_run: bool
    steps: tuple[Step, ...]
    decision: str
    hint: str = ""
    effects: tuple[Mapping[str, Any], ...] = ()
    failed: bool = False


class DryRuns:
    """Says what would happen."""

    def __init__(
        self,
        *,
        examiner: Examiner,
        deployments: Mapping[str, Deployment],
        schemes: Schemes,
        decode: Decode,
        texts: Texts,
        clock: Clock,
        defaults: WorkspaceDefaults,
        limits: LimitsSettings,
        agent: BackendName | None,
    ) -> None:
        self._examiner, self._deployments, self._schemes, self._decode = examiner, deployments, schemes, decode
        self._texts, self._clock, self._defaults, self._limits, self._agent = texts, clock, defaults, limits, agent

    async def of_workspace(
        self, served: Served, body: bytes, steps: tuple[Step, ...], *, by: Principal, again: bool
    ) -> Replay:
        """Say what *body* would lead to in a workspace, after *steps*.

        Raises:
            InvalidPayload: it can't be read.
        """
        try:
            examination = await self._examiner.examine(served, body, by=by, again=again)
        except JirabotError as error:
            if error.kind is Kind.INVALID:
                raise
            steps = (*steps, Step(step="permission", outcome="not known", reason=error.code, text=error.message))
            examination = self._alone(served, body)
        return self._told(served, examination, steps)

    def of_stranger(self, deployment: str, body: bytes, steps: tuple[Step, ...]) -> Replay:
        """Say what *body* would lead to in a workspace with the configured defaults."""
        served = self._stranger(deployment)
        return self._told(served, self._alone(served, body), steps, taken_as_linked=True)

    def _stranger(self, deployment: str) -> Served:
        """Make up a workspace, for a payload of a Jira that is not served here."""
        now = self._clock.now()
        workspace = Workspace(
            id=WorkspaceId(""),
            name=WorkspaceName(""),
            deployment=deployment,
            base_url="",
            state=WorkspaceState.ACTIVE,
            auth="",
            authenticity="hmac",
            service_account=Account(id=AccountId("")),
            created_at=now,
            updated_at=now,
        )
        return Served(
            workspace=workspace,
            deployment=self._deployments[deployment],
            scheme=self._schemes(workspace.authenticity, header=self._defaults.events_header),
            webhook_secrets=(),
            credentials=Credentials(),
            settings=self._defaults,
            limits=limits_of(deployment, self._defaults, self._limits),
            bot=bot_of(workspace, self._defaults),
            agent=self._agent or BackendName("(the agent)"),
        )

    def _alone(self, served: Served, body: bytes) -> Examination:
        """Decide by the payload alone, as if its person were linked and Jira confirmed it."""
        event = parse(self._decode(body), served.deployment)
        found = detect(event, served.bot)
        facts = Facts(
            service_account=served.workspace.service_account,
            own_comment=False,
            link=_as_linked(found, served, self._clock.now()),
            who_may=Linked(),
            standing=UNASKED,
            acted=None,
            newest=None,
            question=None,
            can_continue=False,
            agent=served.agent,
            is_too_old=False,
        )
        decision = decide(found, facts, unasked=unasked_by(event))
        return Examination(event=event, found=found, decision=decision, own=False, issue=None)

    def _told(
        self, served: Served, examination: Examination, steps: tuple[Step, ...], *, taken_as_linked: bool = False
    ) -> Replay:
        outcome = outcomes.outcome(
            self._texts, examination, examination.decision, label=served.bot.label, agent=served.agent, replayed=True
        )
        told = [step for step in outcome.steps if step.step not in {given.step for given in steps}]
        if taken_as_linked and isinstance(examination.found, Trigger | Remark):
            text = self._texts.say("step.assumed")
            told = [
                Step(step="permission", outcome="assumed", text=text) if s.step == "permission" else s for s in told
            ]
        effects = self._would_owe(served, examination)
        last = Step(step="effects", outcome=f"{len(effects)} would be owed" if effects else "none")
        return Replay(
            delivery_id=None,
            dry_run=True,
            steps=(*steps, *told, last),
            decision=outcome.decision,
            hint=cures.of_dry_run(outcome, workspace_name=served.workspace.name),
            effects=effects,
        )

    def _would_owe(self, served: Served, examination: Examination) -> tuple[Mapping[str, Any], ...]:
        decision: Decision = examination.decision
        if isinstance(decision, Start):
            around = Circumstances(
                workspace_id=WorkspaceId(""), texts=self._texts, cause="", now=self._clock.now(), new_id=lambda: "0000"
            )
            owed = open_start(decision, around).effects
            return tuple({"kind": e.effect.kind.value, "state": "not owed", "text": e.effect.text} for e in owed)
        if isinstance(decision, Answer | Refuse):
            text = views.decided(
                self._texts, decision.reason, decision.trigger, served.workspace, served.bot, served.who_may
            )
            return ({"kind": "answer", "state": "not owed", "text": text},)
        return ()


def _as_linked(found: object, served: Served, now: datetime) -> Link | None:
    if not isinstance(found, Trigger | Remark):
        return None
    return Link(
        id=LinkId(""),
        workspace_id=served.workspace.id,
        user_id=UserId(""),
        user_name="",
        account=found.actor,
        role=Role.USER,
        state=LinkState.ACTIVE,
        created_at=now,
    )
