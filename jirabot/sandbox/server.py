"""The sandbox's handle: starts the small Jira on a port and lets Python act in it as people do in their browsers."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Literal, Self

from aiohttp import web

from jirabot.errors import CommandFailed
from jirabot.sandbox import jql
from jirabot.sandbox.bodies import Body
from jirabot.sandbox.cloud import Cloud
from jirabot.sandbox.consent import Consent
from jirabot.sandbox.control import Control
from jirabot.sandbox.data_center import DataCenter
from jirabot.sandbox.faces import Face
from jirabot.sandbox.faults import Faults
from jirabot.sandbox.http import Gate, ReceivedRequest
from jirabot.sandbox.issues import Comment, Happening, Issue, JsonObject, Person, Webhook
from jirabot.sandbox.jira import FIRST_ID, INTERNAL, Jira
from jirabot.sandbox.oauth import CLOUD, DATA_CENTER, OAuth
from jirabot.sandbox.pages.handlers import Pages
from jirabot.sandbox.rest.accounts import Accounts
from jirabot.sandbox.rest.comments import Comments
from jirabot.sandbox.rest.dynamic_webhooks import DynamicWebhooks
from jirabot.sandbox.rest.issues import Issues
from jirabot.sandbox.rest.members import MembersRoutes
from jirabot.sandbox.rest.webhooks import Webhooks
from jirabot.sandbox.senders import Senders, SentDelivery, new_session
from jirabot.sandbox.signals import Signal

WITHIN_SECONDS = 15.0
"""How long a wait lasts at most: far longer than anything on one machine takes."""

SHUTDOWN_SECONDS = 1.0
"""How long requests that are still open may go on when the sandbox is closed."""

DATA_CENTER_CONTEXT = "/jira"
"""Data Center mostly lives under a path; a program that forgets it should notice."""


class Sandbox:
    """A small Jira with a bot and two people, a project `DEMO` and a service desk `HELP`.

    An async context manager: it serves while it is open. What people do in their browsers are its methods; everything
    else is asked for over HTTP, or of its state, `jira`.

    Args:
        deployment: which kind of Jira it is.
        host: where it listens.
        port: 0 takes a free one.
        context_path: None for the usual one: none on Cloud, `/jira` on Data Center.
        dc_version: the version that Data Center tells; from 10 on webhooks are signed and administered otherwise.
        retry_delays: seconds before each time that Cloud sends a failed webhook again, at most five; None for Jira's
            own 5 to 15 minutes.
        clock: tells the time, aware; None for the system's.
        keeps_properties: False drops comment properties silently.
        new_ids: True begins the ids at the time, in milliseconds: who has served another sandbox at this address knows
            none of them. False begins them where Jira's own do.
        tls: serves with TLS; None: in the clear.
        forgets: what Data Center since 10 drops of a webhook's `configuration`: `SECRET`, `FILTERS`.
        comment_event_with_issue: whether Data Center's comment events hold the issue, as one product expects of 10.
    """

    def __init__(
        self,
        *,
        deployment: Literal["cloud", "dc"] = "cloud",
        host: str = "127.0.0.1",
        port: int = 0,
        context_path: str | None = None,
        dc_version: str = "10.3.5",
        retry_delays: Sequence[float] | None = None,
        clock: Callable[[], datetime] | None = None,
        keeps_properties: bool = True,
        new_ids: bool = False,
        comment_event_with_issue: bool = False,
        tls: ssl.SSLContext | None = None,
        forgets: Collection[str] = (),
    ) -> None:
        self.deployment = deployment
        self.base_url = ""
        self.root_url = ""
        """Where Atlassian's own hosts would be, for consents and for calls through the gateway."""
        self.signal = Signal()
        self.faults = Faults(self.signal.notify)
        self.deliveries: list[SentDelivery] = []
        self.requests: list[ReceivedRequest] = []
        self._host, self._port = host, port
        default_context = DATA_CENTER_CONTEXT if deployment == "dc" else ""
        self.context_path = (default_context if context_path is None else context_path).rstrip("/")
        self._dc_version, self._with_issue, self._forgets = dc_version, comment_event_with_issue, forgets
        self._retry_delays = retry_delays
        self._clock = clock or _now
        self._tls = tls
        self._senders: Senders | None = None
        self._stack = contextlib.AsyncExitStack()
        self._read: set[str] = set()
        first_id = int(self._clock().timestamp() * 1000) if new_ids else FIRST_ID
        self.jira = Jira(clock=self._clock, keeps_properties=keeps_properties, first_id=first_id)
        self.oauth = OAuth(rules=CLOUD if deployment == "cloud" else DATA_CENTER, clock=self._clock)
        self.jira.on_change = self._changed
        self.bot = self.jira.add_person("OpenHands")
        self.ada = self.jira.add_person("Ada Lovelace")
        self.grace = self.jira.add_person("Grace Hopper")
        for person in (self.ada, self.grace):
            self.jira.deny(person, "ADMINISTER", "ADMINISTER_PROJECTS", "USER_PICKER")
        self.jira.add_project("DEMO", "Demo")
        self.jira.add_project("HELP", "Help desk", service_desk=True)

    async def __aenter__(self) -> Self:
        listening = _listen(self._host, self._port)
        port = listening.getsockname()[1]
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self._host, self._host)  # noqa: S104 - compared, not bound
        scheme = "https" if self._tls else "http"
        self.root_url = f"{scheme}://{f'[{host}]' if ':' in host.strip('[]') else host}:{port}"
        self.base_url = f"{self.root_url}{self.context_path}"
        face: Face = (
            Cloud(self.base_url)
            if self.deployment == "cloud"
            else DataCenter(
                self.base_url, self._dc_version, comment_event_with_issue=self._with_issue, forgets=self._forgets
            )
        )
        async with contextlib.AsyncExitStack() as stack:
            stack.enter_context(contextlib.closing(listening))
            session = await stack.enter_async_context(new_session())
            self._senders = Senders(
                face=face,
                tasks=await stack.enter_async_context(_tasks()),
                session=session,
                clock=self._clock,
                strike=self.faults.strike_webhook,
                changed=self.signal.notify,
                log=self.deliveries,
                retry_delays=self._retry_delays,
            )
            runner = web.AppRunner(self._application(face), access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            await web.SockSite(runner, listening, ssl_context=self._tls).start()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        # The error that ends the block is not given on: the task group inside would wrap it.
        self._senders = None
        self.faults.clear()
        await self._stack.aclose()

    def add_webhook(
        self, url: str, *, secret: str | None, events: Sequence[str] | None = None, jql_filter: str = ""
    ) -> Webhook:
        """Register a webhook as an administrator does in the browser; *events* None: all that this Jira sends."""
        jql.parse(jql_filter, now=self._clock())
        return self.jira.add_webhook(url, secret=secret, events=events, jql=jql_filter)

    async def create_issue(
        self,
        *,
        summary: str,
        description: Body = "",
        labels: Iterable[str] = (),
        reporter: Person | None = None,
        project: str = "DEMO",
    ) -> Issue:
        """Create an issue as a person (Ada, if none is named)."""
        reporter = reporter or self.ada
        return self.jira.create_issue(
            project=project, summary=summary, description=description, labels=labels, reporter=reporter
        )

    async def comment(
        self,
        issue_key: str,
        text: str,
        *,
        author: Person | None = None,
        visibility: JsonObject | None = None,
        internal: bool = False,
        body_adf: JsonObject | None = None,
    ) -> Comment:
        """Comment as a person (Ada, if none is named); it counts as read by `next_comment`.

        Args:
            issue_key: key or id of the issue.
            text: wiki markup, or plain text.
            author: who writes.
            visibility: `{"type": "role" or "group", "value": NAME}`.
            internal: whether it is internal, on a service desk.
            body_adf: an ADF document in place of *text*, as Cloud's editor makes it.
        """
        issue = self.jira.get_issue(issue_key)
        comment = self.jira.add_comment(
            issue,
            body_adf or text,
            author=author or self.ada,
            visibility=visibility,
            properties={INTERNAL: {"internal": True}} if internal else None,
        )
        self._read.add(comment.id)
        return comment

    async def edit_comment(self, issue_key: str, comment_id: str, text: str, *, actor: Person | None = None) -> Comment:
        """Edit a comment as a person (its author, if none is named); who may see it stays."""
        issue, comment = self._find(issue_key, comment_id)
        self.jira.edit_comment(issue, comment, text, actor=actor or comment.author, visibility=comment.visibility)
        return comment

    async def delete_comment(self, issue_key: str, comment_id: str, *, actor: Person | None = None) -> None:
        """Delete a comment as a person (its author, if none is named)."""
        issue, comment = self._find(issue_key, comment_id)
        self.jira.delete_comment(issue, comment, actor=actor or comment.author)

    async def set_labels(self, issue_key: str, labels: Iterable[str], *, actor: Person | None = None) -> None:
        """Give an issue these labels and no others, as a person (Ada, if none is named)."""
        self.jira.edit_issue(self.jira.get_issue(issue_key), labels=labels, actor=actor or self.ada)

    async def assign(self, issue_key: str, assignee: Person | None, *, actor: Person | None = None) -> None:
        """Assign an issue, or unassign it, as a person (Ada, if none is named)."""
        self.jira.assign(self.jira.get_issue(issue_key), assignee, actor=actor or self.ada)

    def comments(self, issue_key: str) -> list[Comment]:
        """List all comments of an issue, the oldest first, whoever may see them."""
        return list(self.jira.get_issue(issue_key).comments)

    def unread(self, issue_key: str) -> list[Comment]:
        """List the comments that nobody wrote through this handle and `next_comment` has not given."""
        return [comment for comment in self.comments(issue_key) if comment.id not in self._read]

    def read_all(self) -> None:
        """Take all comments as read, as somebody who has seen them on the page."""
        self._read.update(comment.id for issue in self.jira.issues.values() for comment in issue.comments)

    async def next_comment(
        self,
        issue_key: str,
        *,
        after: int | str | None = None,
        by: Person | None = None,
        within: float = WITHIN_SECONDS,
    ) -> Comment:
        """Wait for the oldest unread comment and mark it as read.

        Args:
            issue_key: key or id of the issue.
            after: the id of a comment; only later ones count.
            by: only this person's count.
            within: seconds.

        Raises:
            CommandFailed: there was none; the message tells what stands on the issue.
        """

        def found() -> Comment | None:
            candidates = (
                comment
                for comment in self.unread(issue_key)
                if (by is None or comment.author == by) and int(comment.id) > int(after or 0)
            )
            return next(candidates, None)

        try:
            await self.until(found, within)
        except CommandFailed as error:
            written = [f"{comment.author.display_name}: {comment.text!r}" for comment in self.comments(issue_key)]
            stands = "; ".join(written) or "nothing"
            raise CommandFailed(f"no comment came on `{issue_key}` in {within:g} s; there stands: {stands}") from error
        comment = found()
        assert comment is not None
        self._read.add(comment.id)
        return comment

    async def until(self, predicate: Callable[[], object], within: float = WITHIN_SECONDS) -> None:
        """Wait until *predicate* holds; it is asked after each change of state, request and attempt to deliver.

        Raises:
            CommandFailed: it did not within so many seconds.
        """
        try:
            async with asyncio.timeout(within):
                await self.signal.until(predicate)
        except TimeoutError as error:
            raise CommandFailed(f"what was waited for did not happen in {within:g} s") from error

    async def settled(self, within: float = WITHIN_SECONDS) -> None:
        """Wait until nothing more will be sent of any delivery.

        Raises:
            CommandFailed: some were not done within so many seconds.
        """
        await self.until(lambda: all(delivery.done for delivery in self.deliveries), within)

    def _application(self, face: Face) -> web.Application:
        api = f"{self.context_path}/rest/api/{{version:{'|'.join(face.versions)}}}"
        gateway = f"/ex/jira/{face.cloud_id}" if face.cloud_id else ""
        by_gateway = f"{gateway}/rest/api/{{version:{'|'.join(face.versions)}}}"
        gate = Gate(
            jira=self.jira,
            face=face,
            faults=self.faults,
            signal=self.signal,
            requests=self.requests,
            deliveries=self.deliveries,
            oauth=self.oauth,
            context_path=self.context_path,
            host=self._host,
            gateway=gateway,
        )
        return gate.application(
            [
                *Accounts(self.jira, face, self._clock).routes(api, self.context_path),
                *MembersRoutes(self.jira, face).routes(api),
                *Comments(self.jira, face).routes(api),
                *Issues(self.jira, face, self._clock).routes(api),
                *(Accounts(self.jira, face, self._clock).routes(by_gateway, gateway) if gateway else []),
                *(MembersRoutes(self.jira, face).routes(by_gateway) if gateway else []),
                *(Comments(self.jira, face).routes(by_gateway) if gateway else []),
                *(Issues(self.jira, face, self._clock).routes(by_gateway) if gateway else []),
                *(DynamicWebhooks(self.jira, self._clock).routes(by_gateway) if gateway else []),
                *Webhooks(self.jira, face, self._clock).routes(self.context_path),
                *(DynamicWebhooks(self.jira, self._clock).routes(api) if face.has_dynamic_webhooks else ()),
                *Pages(
                    jira=self.jira,
                    face=face,
                    people=(self.ada, self.grace),
                    deliveries=self.deliveries,
                    context_path=self.context_path,
                ).routes(),
                *Consent(
                    oauth=self.oauth,
                    jira=self.jira,
                    face=face,
                    people=(self.bot, self.ada, self.grace),
                    context_path=self.context_path,
                ).routes(),
                *Control(faults=self.faults, deliveries=self.deliveries, requests=self.requests).routes(),
            ]
        )

    def _changed(self, happening: Happening | None) -> None:
        if happening is not None and self._senders is not None:
            self._senders.send(list(self.jira.webhooks.values()), happening)
        self.signal.notify()

    def _find(self, issue_key: str, comment_id: str) -> tuple[Issue, Comment]:
        issue = self.jira.get_issue(issue_key)
        comment = next((comment for comment in issue.comments if comment.id == str(comment_id)), None)
        if comment is None:
            raise CommandFailed(f"there is no comment `{comment_id}` on `{issue_key}`")
        return issue, comment


class _Closed(Exception):
    """Ends the task group's block, and so all that still sends."""


@contextlib.asynccontextmanager
async def _tasks() -> AsyncIterator[asyncio.TaskGroup]:
    """Open a task group whose tasks are cancelled, not awaited, when it is closed."""
    try:
        async with asyncio.TaskGroup() as tasks:
            yield tasks
            raise _Closed
    except* _Closed:
        pass


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host.strip("[]"), port))
    except OSError as error:
        listening.close()
        raise CommandFailed(
            f"`{host}:{port}` can't be listened on: {error.strerror}", hint="give another `--port`"
        ) from error
    return listening


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - this is the sandbox's own clock, in the place of a port
