"""What each endpoint of the management API answers to whom: what the plays ask, and what `docs/api.md` is made of.

Write that page anew with `python -m tests.e2e.api_table`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from jirabot.daemon.api.endpoints import Endpoint, endpoints
from jirabot.jira.deployments import DEPLOYMENTS
from tests.conftest import REPOSITORY

PAGE = REPOSITORY / "docs" / "api.md"

CALLERS = {
    "stranger": "has no token",
    "user": "linked in `acme`, where a conversation is theirs",
    "admin": "has a link in `acme` with role admin",
    "other admin": "administers another workspace of the same deployment",
    "instance admin": "holds a token with role admin",
}


@dataclass(frozen=True, kw_only=True)
class Row:
    """A request, and the status that each of CALLERS gets, in their order; the play fills an address's `{…}`."""

    method: str
    path: str
    body: Mapping[str, Any] | None = None
    note: str = ""
    statuses: tuple[int, int, int, int, int]


W = "/integration/{X}/workspaces"
V1 = "/api/v1"
ACME = {"workspace_name": "acme"}
ON_ISSUE = {"issue": "DEMO-1"}
NEW = {
    "workspace_name": "new",
    "base_url": "https://127.0.0.1:1",
    "svc_acc_email": "b@a.example",
    "svc_acc_api_key": "k",
}

ROWS: Sequence[Row] = [
    Row(method="POST", path=W, body=ACME, note="it is there", statuses=(401, 403, 200, 403, 200)),
    Row(
        method="POST", path=W, body=NEW, note="new, its Jira not public, and silent", statuses=(401, 403, 403, 403, 502)
    ),
    Row(method="POST", path=W, body={}, note="no name", statuses=(401, 422, 422, 422, 422)),
    Row(method="POST", path=f"{W}/link", body=ACME, statuses=(401, 200, 200, 200, 200)),
    Row(
        method="POST",
        path=f"{W}/link",
        body={"workspace_name": "nobody"},
        note="there is none",
        statuses=(401, 404, 404, 404, 404),
    ),
    Row(
        method="POST",
        path=f"{W}/link",
        body={"workspace_name": "paused"},
        note="it is paused",
        statuses=(401, 400, 400, 400, 400),
    ),
    Row(
        method="POST",
        path="/integration/{Y}/workspaces/link",
        body=ACME,
        note="of the other deployment",
        statuses=(401, 404, 404, 404, 404),
    ),
    Row(method="GET", path=f"{W}/link", statuses=(401, 200, 200, 200, 200)),
    Row(method="GET", path=f"{W}/link?workspace_name=ACME", statuses=(401, 200, 200, 200, 200)),
    Row(method="GET", path=f"{W}/link?workspace_name=paused", statuses=(401, 404, 404, 404, 404)),
    Row(
        method="GET",
        path="/integration/{X}/callback?state=made-up&code=1",
        note="a browser that nobody has sent away",
        statuses=(400, 400, 400, 400, 400),
    ),
    Row(method="GET", path=f"{W}/validate/Acme", statuses=(401, 200, 200, 200, 200)),
    Row(method="GET", path=f"{W}/validate/nobody", statuses=(401, 404, 404, 404, 404)),
    Row(method="GET", path=f"{W}/validate/paused", statuses=(401, 404, 404, 404, 404)),
    Row(method="GET", path=f"{W}/validate/no%20name", statuses=(401, 400, 400, 400, 400)),
    Row(method="GET", path="/integration/{Y}/workspaces/validate/acme", statuses=(401, 404, 404, 404, 404)),
    Row(method="GET", path=f"{V1}/workspaces", statuses=(401, 200, 200, 200, 200)),
    Row(method="GET", path=f"{V1}/workspaces/acme", statuses=(401, 403, 200, 403, 200)),
    Row(method="GET", path=f"{V1}/workspaces/nobody", statuses=(401, 404, 404, 404, 404)),
    Row(method="POST", path=f"{V1}/workspaces/acme/webhook/test", body=ON_ISSUE, statuses=(401, 403, 200, 403, 200)),
    Row(
        method="POST",
        path=f"{V1}/workspaces/acme/webhook/test",
        body={"issue": "DEMO-999"},
        note="no such issue",
        statuses=(401, 403, 502, 403, 502),
    ),
    Row(
        method="POST",
        path=f"{V1}/workspaces/acme/webhook/test",
        body={},
        note="no issue",
        statuses=(401, 422, 422, 422, 422),
    ),
    Row(method="POST", path=f"{V1}/workspaces/nobody/webhook/test", body=ON_ISSUE, statuses=(401, 404, 404, 404, 404)),
    Row(method="GET", path=f"{V1}/events", statuses=(401, 200, 200, 200, 200)),
    Row(method="GET", path=f"{V1}/events?workspace=acme", statuses=(401, 403, 200, 403, 200)),
    Row(method="GET", path=f"{V1}/events?limit=many", statuses=(401, 422, 422, 422, 422)),
    Row(method="GET", path=f"{V1}/events/{{event}}", statuses=(401, 404, 200, 404, 200)),
    Row(method="GET", path=f"{V1}/conversations", statuses=(401, 200, 200, 200, 200)),
    Row(method="GET", path=f"{V1}/conversations/{{conversation}}", statuses=(401, 200, 200, 404, 200)),
    Row(method="GET", path=f"{V1}/conversations/{{conversation}}/runs", statuses=(401, 200, 200, 404, 200)),
    Row(method="GET", path=f"{V1}/conversations/none", statuses=(401, 404, 404, 404, 404)),
    Row(method="GET", path=f"{V1}/outbox", statuses=(401, 200, 200, 200, 200)),
    Row(method="GET", path=f"{V1}/outbox?workspace=acme", statuses=(401, 403, 200, 403, 200)),
    Row(method="GET", path=f"{V1}/outbox/{{effect}}", statuses=(401, 404, 200, 404, 200)),
    Row(method="GET", path=f"{V1}/troubles", statuses=(401, 200, 200, 200, 200)),
    Row(method="GET", path=f"{V1}/status", statuses=(401, 200, 200, 200, 200)),
    Row(method="GET", path="/api/openapi.json", statuses=(401, 200, 200, 200, 200)),
    Row(method="DELETE", path=f"{V1}/status", note="another method", statuses=(405, 405, 405, 405, 405)),
    Row(method="GET", path=f"{V1}/nothing", statuses=(404, 404, 404, 404, 404)),
    Row(method="POST", path=f"{W}/unlink", body={}, note="no name given", statuses=(401, 200, 200, 409, 200)),
    Row(method="POST", path=f"{W}/unlink", body=ACME, note="once more", statuses=(401, 404, 404, 200, 404)),
]
"""In the order in which each caller asks."""

HEAD = """\
# The management API

Made of what is declared (`jirabot.daemon.api.endpoints`) and of what the plays get; write it anew with
`python -m tests.e2e.api_table`. `GET /api/openapi.json` describes it for programs.

A caller sends `Authorization: Bearer …`: a token of `jirabot token create`, or a JWT of the issuer in `[oidc]`. Bodies
are JSON objects of at most 64 KB; a field that is not known is refused (422), empty and `null` are the same as absent.
Errors are `application/problem+json` with `code`, `detail`, `hint` and `success: false`; 429 and 503 say in
`Retry-After` when to come again, 502 and 504 that Jira did not do what was asked. Each client address may ask so often
in an hour: `requests_per_hour` of `[limits.cloud]`, `[limits.dc]` and `[api]`.

`{X}` is `jira` for Jira Cloud and `jira-dc` for Data Center; all else is the same. Lists come newest first, in pages:
`next` is what to give as `before`; what is in none of the caller's lists is refused there (422). They
hold what the caller may see, and Jira is never asked for them.

A workspace that somebody makes who is no administrator of this jirabot is `unproved`: its deliveries are kept, and
nothing is processed until its own webhook has proved it (`POST …/webhook/test`, or `jirabot webhook test`), or
`jirabot workspace activate NAME --trust` vouches for it.
After `[api] claims_last` it is forgotten. Its Jira has to be public, or in `[api] claim_hosts`.

## Endpoints

"""

STATUSES = """\

## Who gets what

{X} is either deployment, {Y} the other; `paused` is a paused workspace, `nobody` is none.

"""


def page() -> str:
    """Write the page."""
    every = endpoints([DEPLOYMENTS["cloud"]])
    listed = "\n".join(_endpoint(each) for each in every)
    callers = "\n".join(f"- **{name}**: {what}" for name, what in CALLERS.items())
    head = f"| request | | {' | '.join(CALLERS)} |\n|---|---|{'---|' * len(CALLERS)}\n"
    rows = "\n".join(
        f"| `{row.method} {row.path}` | {row.note} | {' | '.join(map(str, row.statuses))} |" for row in ROWS
    )
    return f"{HEAD}{listed}{STATUSES}{callers}\n\n{head}{rows}\n"


def _endpoint(endpoint: Endpoint) -> str:
    path = endpoint.path.replace("/integration/jira/", "/integration/{X}/")
    refusals = ", ".join(map(str, endpoint.statuses))
    told = [f"### `{endpoint.method} {path}`\n", f"{endpoint.summary} For {endpoint.who}.\n"]
    if endpoint.body is not None:
        told.append(f"Takes {_fields(endpoint.body)}.\n")
    if endpoint.query.model_fields:
        told.append(f"Takes in its query {_fields(endpoint.query)}.\n")
    told.append(f"Answers 200 with {_fields(endpoint.answer)}; or {refusals}.\n")
    return "\n".join(told)


def _fields(model: type[BaseModel]) -> str:
    return ", ".join(f"`{name}`" for name in model.model_fields)


if __name__ == "__main__":
    PAGE.write_text(page())
