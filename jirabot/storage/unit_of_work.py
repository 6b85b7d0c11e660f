"""All stores over one connection, within the transaction that is open on it."""

from sqlalchemy import Connection

from jirabot.core.ports import (
    AuditStore,
    BreakerStore,
    BudgetStore,
    CheckpointStore,
    ConversationStore,
    DeliveryStore,
    ForgettingStore,
    OAuthStateStore,
    OutboxStore,
    PauseStore,
    PeopleStore,
    RegistrationStore,
    RejectionStore,
    RepositoryStore,
    RetentionStore,
    SecretStore,
    SoundnessStore,
    TokenStore,
    TroubleStore,
    UserStore,
    WorkspaceStore,
)
from jirabot.storage.audit import Audit
from jirabot.storage.breakers import Breakers
from jirabot.storage.budgets import Budgets
from jirabot.storage.checkpoints import Checkpoints
from jirabot.storage.conversations import Conversations
from jirabot.storage.forgetting import Forgetting
from jirabot.storage.inbox import Deliveries
from jirabot.storage.oauth_states import OAuthStates
from jirabot.storage.outbox import Outbox
from jirabot.storage.pauses import Pauses
from jirabot.storage.people import People
from jirabot.storage.registrations import Registrations
from jirabot.storage.rejections import Rejections
from jirabot.storage.repositories import Repositories
from jirabot.storage.retention import Retention
from jirabot.storage.secrets_store import Secrets
from jirabot.storage.soundness import Soundness
from jirabot.storage.spool import Spool
from jirabot.storage.tokens import Tokens
from jirabot.storage.troubles import Troubles
from jirabot.storage.users import Users
from jirabot.storage.workspaces import Workspaces


class UnitOfWork:
    """Fulfils `Transaction`. Opens and commits nothing itself: `Database` does."""

    def __init__(self, connection: Connection, spool: Spool) -> None:
        self.workspaces: WorkspaceStore = Workspaces(connection, spool)
        self.secrets: SecretStore = Secrets(connection)
        self.users: UserStore = Users(connection)
        self.tokens: TokenStore = Tokens(connection)
        self.oauth_states: OAuthStateStore = OAuthStates(connection)
        self.repositories: RepositoryStore = Repositories(connection)
        self.deliveries: DeliveryStore = Deliveries(connection, spool)
        self.conversations: ConversationStore = Conversations(connection)
        self.outbox: OutboxStore = Outbox(connection)
        self.registrations: RegistrationStore = Registrations(connection)
        self.rejections: RejectionStore = Rejections(connection)
        self.pauses: PauseStore = Pauses(connection)
        self.troubles: TroubleStore = Troubles(connection)
        self.breakers: BreakerStore = Breakers(connection)
        self.retention: RetentionStore = Retention(connection)
        self.soundness: SoundnessStore = Soundness(connection)
        self.budgets: BudgetStore = Budgets(connection)
        self.checkpoints: CheckpointStore = Checkpoints(connection)
        self.audit: AuditStore = Audit(connection)
        self.people: PeopleStore = People(connection)
        self.forgetting: ForgettingStore = Forgetting(connection, spool)
