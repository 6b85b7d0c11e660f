"""What signs a workspace's service account in to its Jira. Pure."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from jirabot.errors import SecretSealed

AccessToken = Callable[[str], Awaitable[str]]
"""Give a token that is good now, and another than the given one, which Jira has refused; empty: none was refused yet.

Raises ConsentNeeded where a person has to consent (again), and as `JiraSite` where the authority does not answer.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """The secret of a service account, by the kind that `Workspace.auth` names; not in `repr`.

    `access` is there where Jira is asked with tokens that end within hours, and `api_key` is not. `sealed`: why there
    is neither, where what is stored does not open; nothing can be asked with these.
    """

    api_key: str = field(default="", repr=False)
    access: AccessToken | None = field(default=None, repr=False)
    sealed: SecretSealed | None = None
