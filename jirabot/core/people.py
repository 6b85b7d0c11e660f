"""Who acts: accounts in Jira, the links that tie them to jirabot's users, and the principals of the managers."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from jirabot.core.ids import AccountId, LinkId, UserId, WorkspaceId


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A Jira account as a payload or answer shows it. E-mail is never its identity.

    `name` is Data Center's user name (it can change) and empty on Cloud. `app` is true for accounts of Connect,
    Forge and OAuth apps. `customer` is true for customers of a service desk; None where nothing was told of it.
    """

    id: AccountId
    name: str = ""
    display_name: str = ""
    email: str = ""
    app: bool = False
    customer: bool | None = field(default=None, compare=False)

    @property
    def label(self) -> str:
        """What a person calls this account."""
        return self.display_name or self.name or self.id

    @property
    def to_link(self) -> str:
        """What `user link` takes for this account, and a person can read: the user name where there is one."""
        return self.name or self.id

    @property
    def names(self) -> frozenset[str]:
        """What a person may call it by, case folded: id, user name, e-mail."""
        return frozenset(each.casefold() for each in (self.id, self.name, self.email) if each)

    @property
    def is_principal(self) -> bool:
        """Say whether it is nobody in Jira, but a principal of jirabot's own."""
        return self.id.startswith(PRINCIPALS)


class LinkState(StrEnum):
    """Whether a link counts."""

    ACTIVE = "active"
    PENDING = "pending"
    """A user is known, and no account yet: starts nothing until an administrator names the account."""
    ENDED = "ended"
    """Ended by its person or an administrator; never remade by itself."""


class Origin(StrEnum):
    """Who made a link."""

    HAND = "hand"
    """An administrator named the account."""
    OAUTH = "oauth"
    """Its person has proved in Jira that the account is theirs."""
    AUTO = "auto"
    """jirabot itself, by what the workspace's `who_may` allows: a record, and no proof of who it is."""


class Role(StrEnum):
    """What a link lets its user do."""

    USER = "user"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """The tie between a Jira account and a jirabot user, in one workspace. A pending one has an account without id."""

    id: LinkId
    workspace_id: WorkspaceId
    user_id: UserId
    user_name: str
    account: Account
    role: Role
    state: LinkState
    created_at: datetime
    origin: Origin = Origin.HAND
    updated_at: datetime | None = None
    """When it was last changed; None: never since it was made."""
    ended_by: str = ""
    """The user who ended it; empty where an administrator did, who alone can undo it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who asks a manager for something: the shell, the daemon itself, a local token, a person known by OIDC.

    `user` is the jirabot user that it is, empty where it is nobody's. An administrator is one of everything, or, with a
    workspace, of that alone. `email` is there only where the issuer has verified it; `address` is from where it was
    asked over HTTP.
    """

    kind: str
    name: str
    address: str = ""
    user: str = ""
    role: Role = Role.USER
    workspace_id: WorkspaceId | None = None
    email: str = ""

    @property
    def is_operator(self) -> bool:
        """Say whether it is an administrator of everything."""
        return self.role is Role.ADMIN and self.workspace_id is None


PRINCIPALS = "jirabot:"
"""What the id of an account begins with that stands for a principal: no Jira has such a one."""


def account_of(by: Principal) -> Account:
    """Name a principal as those are named who write on an issue."""
    return Account(id=AccountId(f"{PRINCIPALS}{by.kind}"), display_name=f"jirabot's {by.name}")


SHELL = Principal(kind="shell", name="shell", role=Role.ADMIN)
"""Who runs a command: holds the data folder and the key, and so is an administrator."""

DAEMON = Principal(kind="daemon", name="daemon", role=Role.ADMIN)
"""The daemon at its own work: deliveries, runs, effects."""

STRANGER = Principal(kind="stranger", name="")
"""Who does not say who they are."""
