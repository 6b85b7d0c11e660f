"""Every endpoint, declared once: routes, checks of what is given, OpenAPI document and `docs/api.md` come from here."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from jirabot.core.managers.callers import API
from jirabot.core.ports import Deployment
from jirabot.daemon.api import answers, bodies, handlers
from jirabot.daemon.api.handlers import Call, Object, SentAway

ALWAYS = frozenset({401, 422, 429, 500, 503})
"""Statuses that any endpoint may answer; 422 for what stands behind the `?`."""

WITH_BODY = frozenset({400, 408, 413, 415, 422})
"""Statuses that an endpoint may answer which takes a body."""

JIRA_ASKED = frozenset({502, 504})
"""Statuses of an endpoint that may have to ask Jira."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One method at one address.

    `who`: who gets something else than a refusal. `counts`: whose limit of requests it falls under. `body_needed` says
    that an empty body is not taken for an empty object. `others`: the statuses that its own errors have.
    """

    method: str
    path: str
    does: Callable[[Call], Awaitable[Object | SentAway]]
    summary: str
    who: str
    counts: str = API
    deployment: str = ""
    body: type[BaseModel] | None = None
    body_needed: bool = True
    query: type[BaseModel] = bodies.Query
    answer: type[BaseModel]
    others: Collection[int] = ()

    @property
    def statuses(self) -> Sequence[int]:
        """The statuses of its refusals and failures."""
        return sorted({*ALWAYS, *self.others, *(WITH_BODY if self.body else ())})

    @property
    def name(self) -> str:
        """What programs call it."""
        return f"{self.does.__name__}_{self.deployment}" if self.deployment else self.does.__name__


ANYBODY = "whoever has a token"
ADMINISTRATORS = "administrators: of everything, or of its workspace"
READERS = (
    "who administers it, asked in it or wrote in it, or may see its issue in Jira; once it is restricted or internal, "
    "who administers it, or wrote to its readers and is no customer of a service desk"
)
SEEN = "whoever has a token; the list holds what is of workspaces that they administer"


def endpoints(deployments: Collection[Deployment]) -> Sequence[Endpoint]:
    """List every endpoint."""
    return [*(each for deployment in deployments for each in _of_deployment(deployment)), *_of_api()]


def _of_deployment(deployment: Deployment) -> Sequence[Endpoint]:
    base = f"/integration/{deployment.route}/workspaces"
    common: dict[str, Any] = {"counts": deployment.name, "deployment": deployment.name}
    return [
        Endpoint(
            method="POST",
            path=base,
            does=handlers.save_workspace,
            summary="Make a workspace, or change the one of that name, and link the caller as its administrator. One "
            "that somebody else than an administrator of this jirabot makes processes nothing until it is proved. With "
            "OAuth the browser has to go on to `authorizationUrl`.",
            who="whoever has a token; an existing one: its administrators",
            body=bodies.SaveWorkspace,
            answer=answers.Saved,
            others=[403, 404, 409, *JIRA_ASKED],
            **common,
        ),
        Endpoint(
            method="POST",
            path=f"{base}/link",
            does=handlers.link,
            summary="Link the caller. With OAuth their browser has to go on to `authorizationUrl`, where they prove "
            "the account; without, it is the one that their verified e-mail proves, where that is trusted, else the "
            "link is pending.",
            who=ANYBODY,
            body=bodies.LinkBody,
            answer=answers.Linked,
            others=[403, 404, *JIRA_ASKED],
            **common,
        ),
        Endpoint(
            method="GET",
            path=f"{base}/link",
            does=handlers.show_link,
            summary="The caller's newest active link, and all of the caller's links.",
            who=ANYBODY,
            query=bodies.OfLink,
            answer=answers.OwnLinks,
            others=[404],
            **common,
        ),
        Endpoint(
            method="POST",
            path=f"{base}/unlink",
            does=handlers.unlink,
            summary="End the caller's own link.",
            who=ANYBODY,
            body=bodies.UnlinkBody,
            body_needed=False,
            answer=answers.Unlinked,
            others=[404, 409],
            **common,
        ),
        Endpoint(
            method="GET",
            path=f"{base}/validate/{{workspace_name}}",
            does=handlers.validate,
            summary="Whether an active workspace of that name is there.",
            who=ANYBODY,
            answer=answers.Validated,
            others=[400, 404],
            **common,
        ),
    ]


def _of_api() -> Sequence[Endpoint]:
    v1 = "/api/v1"

    def get(path: str, does: Callable[[Call], Awaitable[Object]], summary: str, **how: Any) -> Endpoint:
        return Endpoint(
            **{"method": "GET", "path": f"{v1}{path}", "does": does, "summary": summary, "who": SEEN, **how}
        )

    listed, one = [403, 404], {"who": ADMINISTRATORS, "others": [404]}
    return [
        get("/workspaces", handlers.list_workspaces, "The workspaces.", answer=answers.Page[answers.Workspace]),
        get(
            "/workspaces/{name}",
            handlers.show_workspace,
            "A workspace, its settings, and what it lacks.",
            answer=answers.Workspace,
            who=ADMINISTRATORS,
            others=[403, 404],
        ),
        Endpoint(
            method="POST",
            path=f"{v1}/workspaces/{{name}}/webhook/test",
            does=handlers.try_webhook,
            summary="Write a comment on an issue, wait for its webhook for up to 30 seconds, and remove it. That "
            "proves a workspace which somebody claimed; where nothing comes, the likely cause is answered.",
            who="administrators of the workspace",
            body=bodies.WebhookTest,
            answer=answers.WebhookTested,
            others=[403, 404, 409, *JIRA_ASKED],
        ),
        get(
            "/events",
            handlers.list_events,
            "What came, the newest first.",
            query=bodies.EventPage,
            answer=answers.Page[answers.Event],
            others=listed,
        ),
        get(
            "/events/{id}",
            handlers.show_event,
            "An event, and why it did or did not start something.",
            answer=answers.ExplainedEvent,
            **one,
        ),
        get(
            "/conversations",
            handlers.list_conversations,
            "The conversations, the newest first.",
            who="whoever has a token; the list holds those that they administer, asked in or wrote in; "
            "once one is restricted, if they wrote to its readers; once it is internal, if they administer it",
            query=bodies.Page,
            answer=answers.Page[answers.Conversation],
            others=[404],
        ),
        get(
            "/conversations/{id}",
            handlers.show_conversation,
            "A conversation with its messages, runs, reports and effects.",
            who=READERS,
            answer=answers.WholeConversation,
            others=[404, *JIRA_ASKED],
        ),
        get(
            "/conversations/{id}/runs",
            handlers.list_runs,
            "The runs of a conversation, the newest first.",
            who=READERS,
            answer=answers.Page[answers.Run],
            others=[404, *JIRA_ASKED],
        ),
        get(
            "/outbox",
            handlers.list_outbox,
            "What is owed to Jira, or was, the newest first.",
            query=bodies.OutboxPage,
            answer=answers.Page[answers.Effect],
            others=listed,
        ),
        get("/outbox/{id}", handlers.show_effect, "An effect.", answer=answers.Effect, **one),
        get("/troubles", handlers.list_troubles, "What is wrong now.", answer=answers.Page[answers.Trouble]),
        get("/status", handlers.show_status, "What goes on.", answer=answers.Status),
    ]
