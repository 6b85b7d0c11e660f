"""The Protocols that core needs and `storage`, `jira` and `agents` fulfil; wired in `jirabot.app`, nowhere else.

The stores' methods are plain functions of a transaction: they never wait for anything but the database, so nothing
can be awaited while a transaction is open. `Storage.write` runs one such function in one transaction.
"""

from jirabot.core.ports.agents import AgentBackend, Checkouts
from jirabot.core.ports.audit import AuditStore, PeopleStore
from jirabot.core.ports.forgetting import ForgettingStore
from jirabot.core.ports.jira import (
    Decode,
    Deployment,
    FindBases,
    JiraSite,
    NormalBase,
    OAuth,
    PostWebhook,
    Proof,
    ReadEnvelope,
    Scheme,
    Schemes,
    Sites,
    WebhookAdministration,
)
from jirabot.core.ports.machine import Alerts, Clock, Events, Ids
from jirabot.core.ports.people import (
    Issuer,
    KeyInUse,
    OAuthStateStore,
    PauseStore,
    RepositoryStore,
    Sealed,
    SecretStore,
    TokenStore,
    UserStore,
    WorkspaceStore,
)
from jirabot.core.ports.storage import Storage, Transaction, Vault
from jirabot.core.ports.upkeep import (
    BodyFiles,
    BreakerStore,
    BudgetStore,
    CheckpointStore,
    ForgottenRequests,
    RegistrationStore,
    Rejection,
    RejectionStore,
    RetentionStore,
    SoundnessStore,
    TroubleStore,
)
from jirabot.core.ports.work import ConversationStore, DeliveryStore, OutboxStore

__all__ = [
    "AgentBackend",
    "Alerts",
    "AuditStore",
    "BodyFiles",
    "BreakerStore",
    "BudgetStore",
    "Checkouts",
    "CheckpointStore",
    "Clock",
    "ConversationStore",
    "Decode",
    "DeliveryStore",
    "Deployment",
    "Events",
    "FindBases",
    "ForgettingStore",
    "ForgottenRequests",
    "Ids",
    "Issuer",
    "JiraSite",
    "KeyInUse",
    "NormalBase",
    "OAuth",
    "OAuthStateStore",
    "OutboxStore",
    "PauseStore",
    "PeopleStore",
    "PostWebhook",
    "Proof",
    "ReadEnvelope",
    "RegistrationStore",
    "Rejection",
    "RejectionStore",
    "RepositoryStore",
    "RetentionStore",
    "Scheme",
    "Schemes",
    "Sealed",
    "SecretStore",
    "Sites",
    "SoundnessStore",
    "Storage",
    "TokenStore",
    "Transaction",
    "TroubleStore",
    "UserStore",
    "Vault",
    "WebhookAdministration",
    "WorkspaceStore",
]
