"""The composition root: the one place where ports meet what fulfils them; the only module that knows every layer."""

import contextlib
import os
import secrets
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jirabot.agents.checkout import GitCheckouts
from jirabot.agents.containment import Containment, homes
from jirabot.agents.registry import AgentSection, Backends
from jirabot.config import AgentSettings, Settings
from jirabot.core.announcer import Announcer
from jirabot.core.conversations import Run
from jirabot.core.identity import ClaimRules
from jirabot.core.ids import BackendName, DeliveryId
from jirabot.core.managers.alerts import WebhookAlerts
from jirabot.core.managers.arrivals import Arrivals
from jirabot.core.managers.audit import Audit
from jirabot.core.managers.budgets import Budgets
from jirabot.core.managers.callers import Callers
from jirabot.core.managers.catch_up import CatchUp
from jirabot.core.managers.claims import Claims
from jirabot.core.managers.comment_marks import CommentMarks
from jirabot.core.managers.consent_codes import ConsentCodes
from jirabot.core.managers.consent_flow import ConsentFlow
from jirabot.core.managers.consents import Consents
from jirabot.core.managers.conversations import Conversations
from jirabot.core.managers.deletions import Deletions
from jirabot.core.managers.deliveries import Deliveries
from jirabot.core.managers.delivery import Delivery
from jirabot.core.managers.directory import Directory
from jirabot.core.managers.doctor import Doctor
from jirabot.core.managers.dry_runs import DryRuns, Replay
from jirabot.core.managers.enrolment import Enrolment
from jirabot.core.managers.examiner import Examiner
from jirabot.core.managers.expiry import Expiry
from jirabot.core.managers.finds import Finds
from jirabot.core.managers.forgetting import Forgetting
from jirabot.core.managers.gaps import Gaps
from jirabot.core.managers.grants import Grants
from jirabot.core.managers.intake import Intake
from jirabot.core.managers.key_ends import KeyEnds
from jirabot.core.managers.keys import Keys
from jirabot.core.managers.outbox import Outbox
from jirabot.core.managers.own_links import OwnLinks
from jirabot.core.managers.patience import Patient
from jirabot.core.managers.pauses import Pauses
from jirabot.core.managers.pipeline import Pipeline
from jirabot.core.managers.principals import Principals
from jirabot.core.managers.probes import Probes
from jirabot.core.managers.replays import Posted, Replays, ReplayWishes, of_kept, read_input
from jirabot.core.managers.repositories import Repositories
from jirabot.core.managers.retention import Retention
from jirabot.core.managers.runs import Runs
from jirabot.core.managers.sights import Sights
from jirabot.core.managers.sign_in import SignIn
from jirabot.core.managers.soundness import Soundness
from jirabot.core.managers.status import Overview
from jirabot.core.managers.teller import Teller
from jirabot.core.managers.throttling import Throttling
from jirabot.core.managers.tokens import Tokens
from jirabot.core.managers.users import Users
from jirabot.core.managers.webhook_tests import WebhookTests
from jirabot.core.managers.webhook_watch import WebhookWatch
from jirabot.core.managers.webhooks import Webhooks
from jirabot.core.managers.workspace_changes import WorkspaceChanges
from jirabot.core.managers.workspace_rules import WorkspaceRules
from jirabot.core.managers.workspaces import Workspaces
from jirabot.core.people import Principal
from jirabot.core.ports import Alerts, Clock, Events, Ids, OAuth, Storage, Transaction
from jirabot.core.texts import Texts
from jirabot.core.texts import load as load_texts
from jirabot.core.workspaces import WorkspaceState
from jirabot.database import upgrade_database
from jirabot.errors import AgentUnavailable, ConfigurationInvalid
from jirabot.jira import addresses, bases, envelope, posting
from jirabot.jira.authenticity import scheme_of
from jirabot.jira.authorities import Authorities
from jirabot.jira.caches import Ages
from jirabot.jira.client import Clients
from jirabot.jira.connections import Connections, Timeouts
from jirabot.jira.deployments import DEPLOYMENTS, Deployment, tell
from jirabot.machine import QuietLog, RandomIds, SystemClock
from jirabot.storage import backups, migrations
from jirabot.storage.engine import Database
from jirabot.storage.lock import DataFolderLock
from jirabot.storage.master_key import MasterKeys, NoKeyring, SystemKeyring
from jirabot.storage.memory import MemoryStorage
from jirabot.storage.secrets import EnvelopeVault
from jirabot.storage.spool import Spool

if TYPE_CHECKING:
    from jirabot.oidc.issuer import OidcIssuer

CONVERSATIONS_FOLDER = "conversations"
MIRRORS_FOLDER = "mirrors"


@dataclass(frozen=True, kw_only=True)
class App:
    """Everything a command or the daemon needs, wired."""

    settings: Settings
    texts: Texts
    clock: Clock
    ids: Ids
    log: Announcer
    owner: str
    storage: Storage
    directory: Directory
    budgets: Budgets
    deployments: Mapping[str, Deployment]
    workspaces: Workspaces
    oauth: OAuth
    grants: Grants
    consents: Consents
    consent_flow: ConsentFlow
    consent_codes: ConsentCodes
    workspace_changes: WorkspaceChanges
    claims: Claims
    webhooks: Webhooks
    webhook_tests: WebhookTests
    webhook_watch: WebhookWatch
    deletions: Deletions
    pauses: Pauses
    forgetting: Forgetting
    users: Users
    enrolment: Enrolment
    own_links: OwnLinks
    repositories: Repositories
    keys: Keys
    tokens: Tokens
    principals: Principals
    intake: Intake
    callers: Callers
    pipeline: Pipeline
    runs: Runs
    expiry: Expiry
    delivery: Delivery
    probes: Probes
    catch_up: CatchUp
    key_ends: KeyEnds
    teller: Teller
    deliveries: Deliveries
    conversations: Conversations
    outbox: Outbox
    retention: Retention
    soundness: Soundness
    audit: Audit
    doctor: Doctor
    overview: Overview
    replays: Replays
    checkouts: GitCheckouts
    backends: Backends
    lock: DataFolderLock

    @contextlib.asynccontextmanager
    async def daemon(self) -> AsyncIterator[None]:
        """Hold the data folder, and take over what a daemon that died has left.

        Raises:
            DaemonRunning: another daemon has it.
            GitFailed: git is not installed.
            ConfigurationInvalid: an agent's section can't be used.
            MasterKeyMissing: the stored secrets can't be opened.
        """
        _check_agents(self.backends)
        await self.directory.all()
        await self.checkouts.check_git()
        with self.lock:
            await self.storage.write(self._take_over)
            await self.budgets.restore()
            try:
                yield
            finally:
                await self.budgets.write_down()

    def _take_over(self, tx: Transaction) -> None:
        tx.deliveries.release_leases_of_others(owner=self.owner)
        tx.outbox.release_sending(now=self.clock.now())
        tx.soundness.wake_stranded()
        for workspace in tx.workspaces.list():
            # What was kept while a variable switched the webhooks of its deployment off.
            if workspace.state is WorkspaceState.ACTIVE and workspace.deployment not in self.settings.switched_off:
                tx.deliveries.release_kept(workspace.id, now=self.clock.now())

    async def replay(self, content: bytes, wishes: ReplayWishes, *, by: Principal) -> Replay:
        """Replay a payload or saved delivery (`Replays.replay`)."""
        return await self.replays.replay(read_input(content, envelope.decode), wishes, by=by)

    async def replay_kept(self, delivery_id: DeliveryId, wishes: ReplayWishes, *, by: Principal) -> Replay:
        """Replay an event as the inbox keeps it (`Replays.replay`)."""
        return await self.replays.replay(of_kept(await self.deliveries.request(delivery_id, by=by)), wishes, by=by)

    async def post_replay(self, content: bytes, address: str, wishes: ReplayWishes, *, by: Principal) -> Posted:
        """Post a payload or saved delivery to a running daemon (`Replays.post`)."""
        return await self.replays.post(read_input(content, envelope.decode), address, wishes, by=by)


@contextlib.asynccontextmanager
async def open_app(
    settings: Settings,
    *,
    writes: bool = True,
    log: Events | None = None,
    clock: Clock | None = None,
    timeouts: Timeouts | None = None,
    ages: Ages | None = None,
) -> AsyncIterator[App]:
    """Open everything, and close it in order. Without *writes* nothing is made: a missing database is an empty one.

    Raises:
        DatabaseUnusable, StorageUnavailable: what is wrong with the database or data folder.
        DaemonRunning: the schema is an earlier one, and a daemon holds the data folder.
    """
    if writes:
        upgrade_database(settings)
    clock = clock or SystemClock()
    announcer = Announcer(log or QuietLog())
    connections = Connections(timeouts)
    issuer = _issuer(settings, clock)
    async with contextlib.AsyncExitStack() as stack:
        if writes or migrations.is_there(settings.database):
            storage: Storage = await stack.enter_async_context(Database.open(settings.database, spool=settings.spool))
        else:
            storage = MemoryStorage()
        stack.push_async_callback(connections.aclose)
        if issuer is not None:
            stack.push_async_callback(issuer.aclose)
        app = _wired(settings, storage, connections, issuer, log=announcer, clock=clock, ages=ages)
        stack.push_async_callback(app.grants.aclose)
        yield app


def _wired(
    settings: Settings,
    storage: Storage,
    connections: Connections,
    issuer: "OidcIssuer | None",
    *,
    log: Announcer,
    clock: Clock,
    ages: Ages | None,
) -> App:
    """Give every manager what it needs."""
    ids, texts = RandomIds(), load_texts()
    owner = f"{os.getpid()}-{secrets.token_hex(4)}"
    agent = BackendName(name) if (name := settings.agent_name()) else None
    vault = EnvelopeVault(_master_keys(settings))
    containment = _containment(settings)
    backends = _backends(settings, containment)
    checkouts = GitCheckouts(
        mirrors=settings.data_dir / MIRRORS_FOLDER,
        conversations=settings.data_dir / CONVERSATIONS_FOLDER,
        environment=settings.environment,
        containment=containment,
    )
    clients = Clients(
        DEPLOYMENTS,
        connections=connections,
        api_url=settings.oauth.cloud_api_url,
        clock=clock,
        log=log,
        defaults=settings.workspace,
        ages=ages,
        private_hosts=settings.api.claim_hosts,
    )
    oauth = Authorities(DEPLOYMENTS, connections=connections, settings=settings.oauth, clock=clock)
    grants = Grants(
        storage=storage,
        vault=vault,
        oauth=oauth,
        deployments=DEPLOYMENTS,
        apps=settings.oauth_apps,
        usual_bases=settings.base_urls,
        normal_base=bases.normal,
        defaults=settings.workspace,
        clock=clock,
        ids=ids,
        log=log,
    )
    sign_in = SignIn(vault=vault, grants=grants, oauth=oauth, deployments=DEPLOYMENTS, clock=clock)
    directory = Directory(
        storage=storage,
        vault=vault,
        grants=grants,
        sites=clients,
        deployments=DEPLOYMENTS,
        schemes=scheme_of,
        defaults=settings.workspace,
        limits=settings.limits,
        agent=agent,
        api_url=settings.oauth.cloud_api_url,
    )
    consents = Consents(
        storage=storage,
        grants=grants,
        oauth=oauth,
        directory=directory,
        deployments=DEPLOYMENTS,
        clock=clock,
        log=log,
    )
    consent_codes = ConsentCodes(storage=storage, vault=vault, consents=consents, clock=clock, ids=ids)
    budgets = Budgets(storage=storage, sites=clients, clock=clock)
    throttling = Throttling(storage=storage, directory=directory, clock=clock, ids=ids)
    examiner = Examiner(storage=storage, directory=directory, checkouts=checkouts, decode=envelope.decode, clock=clock)
    finds = Finds(directory=directory, decode=envelope.decode, clock=clock, ids=ids)
    gaps = Gaps(storage=storage, finds=finds, texts=texts, clock=clock, ids=ids)
    pipeline = Pipeline(
        storage=storage,
        directory=directory,
        examiner=examiner,
        throttling=throttling,
        gaps=gaps,
        texts=texts,
        clock=clock,
        ids=ids,
        log=log,
        owner=owner,
    )
    runs = Runs(
        storage=Patient(storage, clock),
        directory=directory,
        vault=vault,
        checkouts=checkouts,
        backends=backends,
        texts=texts,
        clock=clock,
        ids=ids,
        log=log,
        budgets=budgets,
        settings=settings.runs,
        git=settings.git,
        owner=owner,
    )
    lock = DataFolderLock(settings.data_dir)

    def is_interrupted(run: Run) -> bool:
        return run.is_interrupted(now=clock.now(), daemon_runs=lock.is_held(), owner_lives=_lives(run.owner))

    audit = Audit(storage=storage)
    keys, bodies = Keys(storage=storage, vault=vault, clock=clock), Spool(settings.spool)
    dry_runs = DryRuns(
        examiner=examiner,
        deployments=DEPLOYMENTS,
        schemes=scheme_of,
        decode=envelope.decode,
        texts=texts,
        clock=clock,
        defaults=settings.workspace,
        limits=settings.limits,
        agent=agent,
    )
    delivery = Delivery(
        storage=storage,
        directory=directory,
        throttling=throttling,
        marks=CommentMarks(storage=storage, directory=directory, texts=texts, log=log),
        clock=clock,
        ids=ids,
        log=log,
        grace=settings.outbox.grace,
        limits=settings.limits,
    )
    probes = Probes(storage=storage, directory=directory, vault=vault, clock=clock, ids=ids, log=log)
    rules = WorkspaceRules(deployments=DEPLOYMENTS, normal_base=bases.normal, safe_base=bases.safe, settings=settings)
    workspaces = Workspaces(
        storage=storage,
        vault=vault,
        grants=grants,
        sign_in=sign_in,
        sites=clients,
        directory=directory,
        deployments=DEPLOYMENTS,
        rules=rules,
        settings=settings,
        clock=clock,
        ids=ids,
    )
    changes = WorkspaceChanges(
        storage=storage,
        vault=vault,
        grants=grants,
        sign_in=sign_in,
        sites=clients,
        directory=directory,
        rules=rules,
        clock=clock,
        ids=ids,
        switched_off=settings.switched_off,
    )
    tokens = Tokens(storage=storage, clock=clock, ids=ids)
    webhooks = Webhooks(
        storage=storage, directory=directory, workspaces=workspaces, is_loopback=bases.is_loopback, clock=clock
    )
    return App(
        settings=settings,
        texts=texts,
        clock=clock,
        ids=ids,
        log=log,
        owner=owner,
        storage=storage,
        directory=directory,
        budgets=budgets,
        deployments=DEPLOYMENTS,
        workspaces=workspaces,
        oauth=oauth,
        grants=grants,
        consents=consents,
        consent_codes=consent_codes,
        consent_flow=ConsentFlow(
            storage=storage,
            vault=vault,
            oauth=oauth,
            grants=grants,
            consents=consents,
            codes=consent_codes,
            deployments=DEPLOYMENTS,
            public_url=settings.server.reached_at(),
            without=settings.without_oauth,
            daemon_runs=lock.is_held,
            clock=clock,
            ids=ids,
        ),
        workspace_changes=changes,
        claims=Claims(
            storage=storage,
            directory=directory,
            workspaces=workspaces,
            changes=changes,
            deployments=DEPLOYMENTS,
            usual_bases=settings.base_urls,
            settings=settings.api,
            leads_out=addresses.leads_out,
            is_among=addresses.is_among,
            clock=clock,
        ),
        webhooks=webhooks,
        webhook_tests=WebhookTests(
            storage=storage,
            directory=directory,
            webhooks=webhooks,
            daemon_runs=lock.is_held,
            texts=texts,
            clock=clock,
            ids=ids,
            changes=changes,
        ),
        webhook_watch=WebhookWatch(
            storage=storage,
            directory=directory,
            webhooks=webhooks,
            clock=clock,
            ids=ids,
            log=log,
            switched_off=settings.switched_off,
        ),
        users=Users(storage=storage, directory=directory, clock=clock, ids=ids),
        enrolment=Enrolment(storage=storage, directory=directory, clock=clock, ids=ids),
        own_links=OwnLinks(storage=storage, directory=directory, clock=clock, ids=ids),
        tokens=tokens,
        principals=Principals(tokens=tokens, issuer=issuer, rules=_claim_rules(settings), clock=clock),
        keys=keys,
        repositories=Repositories(
            storage=storage,
            vault=vault,
            checkouts=checkouts,
            defaults=settings.workspace,
            clock=clock,
            ids=ids,
        ),
        intake=Intake(
            storage=storage,
            directory=directory,
            arrivals=Arrivals(storage=storage),
            read_envelope=envelope.read,
            find_bases=envelope.find_bases,
            texts=texts,
            clock=clock,
            ids=ids,
            log=log,
            switched_off=settings.switched_off,
        ),
        callers=Callers(limits=settings.limits, api=settings.api, clock=clock),
        pipeline=pipeline,
        runs=runs,
        expiry=Expiry(
            storage=storage,
            directory=directory,
            backends=backends,
            texts=texts,
            clock=clock,
            ids=ids,
            log=log,
            stop_grace=settings.runs.stop_grace,
        ),
        delivery=delivery,
        probes=probes,
        catch_up=CatchUp(
            storage=storage,
            directory=directory,
            finds=finds,
            gaps=gaps,
            probes=probes,
            clock=clock,
            ids=ids,
            log=log,
            switched_off=settings.switched_off,
        ),
        key_ends=KeyEnds(storage=storage, directory=directory, clock=clock, ids=ids),
        teller=Teller(storage=storage, alerts=_alerts(settings), clock=clock, log=log),
        deliveries=Deliveries(storage=storage, directory=directory, examiner=examiner, texts=texts, clock=clock),
        outbox=Outbox(storage=storage, clock=clock, grace=settings.outbox.grace),
        retention=Retention(
            storage=storage,
            checkouts=checkouts,
            backends=backends,
            bodies=bodies,
            settings=settings.retention,
            clock=clock,
        ),
        soundness=Soundness(
            storage=storage,
            keys=keys,
            audit=audit,
            checkouts=checkouts,
            bodies=bodies,
            defaults=settings.workspace,
            clock=clock,
            daemon_runs=lock.is_held,
            lives=_lives,
        ),
        audit=audit,
        conversations=Conversations(
            storage=storage,
            sights=Sights(directory=directory),
            checkouts=checkouts,
            backends=backends,
            daemon_runs=lock.is_held,
            is_interrupted=is_interrupted,
            texts=texts,
            clock=clock,
            ids=ids,
        ),
        deletions=Deletions(
            storage=storage,
            directory=directory,
            webhooks=webhooks,
            checkouts=checkouts,
            backends=backends,
            clock=clock,
            daemon_runs=lock.is_held,
        ),
        forgetting=Forgetting(
            storage=storage,
            directory=directory,
            checkouts=checkouts,
            backends=backends,
            bodies=bodies,
            beside=lambda: backups.beside(settings.database),
            daemon_runs=lock.is_held,
            clock=clock,
        ),
        pauses=Pauses(storage=storage, clock=clock, agents=settings.agents.keys()),
        overview=Overview(
            storage=storage,
            workspaces=workspaces,
            clock=clock,
            defaults=settings.workspace,
            limits=settings.limits,
            switched_off=settings.switched_off,
            is_interrupted=is_interrupted,
        ),
        doctor=Doctor(
            storage=storage,
            directory=directory,
            workspaces=workspaces,
            backends=backends,
            trusts_issuer=bool(settings.oidc.issuer),
            switched_off=settings.switched_off,
            clock=clock,
        ),
        replays=Replays(
            storage=storage,
            directory=directory,
            pipeline=pipeline,
            runs=runs,
            delivery=delivery,
            dry_runs=dry_runs,
            deployments=DEPLOYMENTS,
            post=posting.post,
            decode=envelope.decode,
            tell=tell,
            read_envelope=envelope.read,
            daemon_runs=lock.is_held,
            texts=texts,
            clock=clock,
            ids=ids,
        ),
        checkouts=checkouts,
        backends=backends,
        lock=lock,
    )


def _issuer(settings: Settings, clock: Clock) -> "OidcIssuer | None":
    """Make what asks the issuer; what it needs to prove signatures is imported only where one is trusted."""
    if not settings.oidc.issuer:
        return None
    from jirabot.oidc.issuer import OidcIssuer

    return OidcIssuer(settings.oidc.issuer, jwks_url=settings.oidc.jwks_url, clock=clock)


def _claim_rules(settings: Settings) -> ClaimRules:
    oidc = settings.oidc
    return ClaimRules(
        issuer=oidc.issuer,
        audiences=oidc.audience,
        client_id=oidc.client_id,
        admin_role=oidc.admin_role,
        role_claim=oidc.role_claim,
        leeway=oidc.leeway,
    )


def _lives(owner: str) -> bool:
    """Say whether the process that named itself so (`_wired`) is there."""
    process = owner.partition("-")[0]
    try:
        os.kill(int(process), 0)
    except PermissionError:
        return True
    except (ValueError, OverflowError, OSError):
        return False
    return not _is_defunct(process)


def _is_defunct(process: str) -> bool:
    """Say whether a process has ended, and whoever started it has not taken note of that; only Linux tells it."""
    try:
        told = Path(f"/proc/{process}/stat").read_bytes()
    except OSError:
        return False
    # The state stands behind the program's name, which may hold anything, in parentheses. Source: proc_pid_stat(5).
    return told.rpartition(b")")[2].split()[:1] == [b"Z"]


def _alerts(settings: Settings) -> Alerts | None:
    address = settings.alerts.webhook
    return WebhookAlerts(post=posting.post, address=address.get_secret_value()) if address else None


def _master_keys(settings: Settings) -> MasterKeys:
    value = settings.master_key.get_secret_value() if settings.master_key else None
    keyring = SystemKeyring() if settings.use_keyring else NoKeyring()
    return MasterKeys(settings.data_dir, value=value, file=settings.master_key_file, keyring=keyring)


def _containment(settings: Settings) -> Containment:
    """Say what agents must not see: our data, the files that hold secrets, and the home of the user that runs us."""
    certificate = settings.workspace.client_cert_file
    files = [settings.file, settings.master_key_file, Path(certificate) if certificate else None]
    files += [agent.env_file for agent in settings.agents.values()]
    return Containment.best(hidden=[settings.data_dir, *filter(None, files)], homes=homes(settings.environment))


def _section(settings: AgentSettings) -> AgentSection:
    return AgentSection(
        type=settings.type,
        command=settings.command,
        timeout_seconds=settings.timeout.total_seconds(),
        stall_seconds=settings.stall.total_seconds(),
        pass_env=settings.pass_env,
        env={name: value.get_secret_value() for name, value in settings.env.items()},
        env_file=settings.env_file,
        script=settings.script,
        readable=settings.readable,
    )


def check_settings(settings: Settings) -> None:
    """Say all that is wrong with what the settings name: agents that can't be made, a master key that is none.

    Raises:
        ConfigurationInvalid: with all of it.
    """
    problems: list[str] = []
    hints: list[str] = []
    keys = _master_keys(settings.model_copy(update={"use_keyring": False}))
    backends = _backends(settings, _containment(settings))
    for look in (keys.check_given, lambda: _check_agents(backends)):
        try:
            look()
        except ConfigurationInvalid as error:
            problems += error.problems
            hints.append(error.hint)
    if problems:
        raise ConfigurationInvalid(problems, hint=next(filter(None, hints), ""))


def _backends(settings: Settings, containment: Containment) -> Backends:
    sections = {name: _section(section) for name, section in settings.agents.items()}
    return Backends(sections, environment=settings.environment, containment=containment)


def _check_agents(backends: Backends) -> None:
    """Say all that is wrong with the agents' sections before the first run needs one.

    Raises:
        ConfigurationInvalid: a section can't be used.
    """
    problems: list[str] = []
    hints: list[str] = []
    for name in backends:
        try:
            backends[name]
        except AgentUnavailable as error:
            problems.append(error.message)
            hints.append(error.hint)
    if problems:
        raise ConfigurationInvalid(problems, hint=next(filter(None, hints), ""))
