"""What the management API is given: strict, and what is not known is refused with what may be meant.

The names of the reference's fields are kept. Empty and `null` are the same as absent, as its clients send them.
"""

import difflib
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from jirabot.core.deliveries import DeliveryState
from jirabot.core.effects import EffectState
from jirabot.errors import FieldsInvalid

ADDRESS = r"^https?://[^\s\x00-\x1f\x7f]+$"
NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
EMAIL = r"^[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+\.[^@\s\x00-\x1f\x7f]+$"
KEY = r"^[^\s\x00-\x1f\x7f]+$"
ISSUE_KEY = r"^[A-Za-z][A-Za-z0-9_]*-[1-9][0-9]*$"
SECRET = r"^[^\s\x00-\x1f\x7f]{16,}$"  # noqa: S105 - how one must look

MOST_AT_ONCE = 500
"""Rows of a page."""

_SAID = {
    "extra_forbidden": "there is no such field",
    "missing": "it is missing",
    "string_type": "a text",
    "bool_type": "`true` or `false`",
    "model_type": "an object",
}


Name = Annotated[
    str, Field(pattern=NAME, description="The workspace's name, as a rule its Jira's host; upper case is folded")
]
OptionalName = Annotated[str, Field(pattern=NAME)] | Literal[""] | None
Address = Annotated[str, Field(pattern=ADDRESS, max_length=2000)] | Literal[""] | None
Email = Annotated[str, Field(pattern=EMAIL, max_length=320)] | Literal[""] | None
Key = Annotated[str, Field(pattern=KEY)] | Literal[""] | None
Secret = Annotated[str, Field(pattern=SECRET)] | Literal[""] | None


class Given(BaseModel):
    """What somebody sends."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class SaveWorkspace(Given):
    """A workspace to be made, or changed: what is left out is made up, or stays as it is."""

    workspace_name: Name
    base_url: Address = Field(None, description="Where that Jira is; made of the name if not given")
    svc_acc_email: Email = Field(None, description="The service account's e-mail; Cloud needs it")
    svc_acc_api_key: Key = Field(None, description="The service account's API token or PAT; a new workspace needs it")
    webhook_secret: Secret = Field(
        None, description="What its webhooks are signed with; one is made for a new workspace"
    )
    is_active: bool = Field(True, description="`false` keeps its deliveries, and processes none")


class LinkBody(Given):
    """Where the caller is to be linked."""

    workspace_name: Name


class UnlinkBody(Given):
    """Whose link of the caller is to end; needed where there is more than one."""

    workspace_name: OptionalName = None


class WebhookTest(Given):
    """On which issue a comment is written, and removed."""

    issue: Annotated[str, Field(pattern=ISSUE_KEY, max_length=100, description="The issue's key")]


class Query(BaseModel):
    """What stands behind the `?`, where everything is a text."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class OfLink(Query):
    """Which link is meant."""

    workspace_name: OptionalName = None


class Page(Query):
    """Which rows are meant."""

    workspace: OptionalName = Field(None, description="Only of this workspace")
    limit: int = Field(50, ge=1, le=MOST_AT_ONCE, description="How many at most")
    before: str | None = Field(None, description="Those behind the row of this id: what the page before has as `next`")


class EventPage(Page):
    """Which events are meant."""

    state: DeliveryState | None = Field(None, description="Only those in this state")


class OutboxPage(Page):
    """Which effects are meant."""

    state: EffectState | None = Field(None, description="Only those in this state")


def invalid(error: ValidationError, model: type[BaseModel]) -> FieldsInvalid:
    """Say what is wrong with each field, and nothing of what it holds: that may be a secret."""
    told: dict[str, str] = {}
    for each in error.errors(include_url=False, include_input=False, include_context=False):
        # A field that may also be empty or null is told of once: by what else it may be.
        told.setdefault(str(each["loc"][0]) if each["loc"] else "", _said(each, model))
    return FieldsInvalid(told)


def _said(error: Mapping[str, Any], model: type[BaseModel]) -> str:
    said: str = _SAID.get(error["type"], error["msg"])
    if error["type"] != "extra_forbidden":
        return said
    names: Sequence[str] = list(model.model_fields)
    near = difflib.get_close_matches(str(error["loc"][-1]), names, n=1)
    return f"{said}; did you mean `{near[0]}`?" if near else f"{said}: there are {', '.join(names) or 'none'}"
