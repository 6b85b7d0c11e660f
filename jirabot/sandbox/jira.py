"""The state of the sandbox's Jira and everything that changes it: plain functions that wait for nothing.

What may be asked over which REST path, and how it looks there, is the matter of `faces` and `http`.
"""

import hashlib
import itertools
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from jirabot.sandbox.bodies import Body
from jirabot.sandbox.issues import (
    Change,
    Comment,
    Grant,
    Happening,
    History,
    Issue,
    JsonObject,
    Person,
    Project,
    Status,
    Webhook,
)
from jirabot.sandbox.members import Members
from jirabot.sandbox.refusals import Refusal, not_found

__all__ = ["EVENTS", "INTERNAL", "PERMISSIONS", "Comment", "Issue", "Jira", "Person", "Project", "Webhook"]

FIRST_ID = 10000
"""Where Jira's own ids begin."""

MILLISECOND = timedelta(milliseconds=1)
"""The finest step of Jira's times."""

EVENTS = (
    "jira:issue_created",
    "jira:issue_updated",
    "jira:issue_deleted",
    "comment_created",
    "comment_updated",
    "comment_deleted",
)

PERMISSIONS = (
    "BROWSE_PROJECTS",
    "ADD_COMMENTS",
    "EDIT_OWN_COMMENTS",
    "DELETE_OWN_COMMENTS",
    "EDIT_ISSUES",
    "ASSIGN_ISSUES",
    "TRANSITION_ISSUES",
    "LINK_ISSUES",
    "CREATE_ISSUES",
    "ADMINISTER_PROJECTS",
    "USER_PICKER",
    "ADMINISTER",
)

INTERNAL = "sd.public.comment"
"""The comment property by which clients of service desks say that a comment is internal."""


class Jira:
    """All that stands in one Jira.

    Everyone may do everything and belongs to every role and group but for what `deny` and `exclude` take away; the
    groups and roles of `members` have their own people.
    """

    def __init__(
        self, *, clock: Callable[[], datetime], keeps_properties: bool = True, first_id: int = FIRST_ID
    ) -> None:
        self._clock = clock
        self.keeps_properties = keeps_properties
        self.index_lag = timedelta(0)
        """How far behind what people did the index lies that is searched."""
        self.search_cap = 1000
        """How many issues a page of a search holds at most, whatever is asked for; administrators set it."""
        """False: comment properties are dropped silently, as a proxy or a broken app may do."""
        self.revision = 0
        """Counts the changes."""
        self.on_change: Callable[[Happening | None], None] = lambda happening: None
        """Told of each change; None where no webhook speaks of it."""
        self.people: list[Person] = []
        self.members = Members()
        self.projects: dict[str, Project] = {}
        self.issues: dict[str, Issue] = {}
        self.webhooks: dict[int, Webhook] = {}
        self._aliases: dict[str, str] = {}
        self._numbers: dict[str, Iterator[int]] = {}
        self.key_ends: dict[str, datetime] = {}
        """Until when a person's key counts, by account id; those that are not named count for ever."""
        self._denied: set[tuple[str, str]] = set()
        self._excluded: set[tuple[str, str]] = set()
        self._ids = {kind: itertools.count(first_id) for kind in ("project", "issue", "comment", "history", "link")}
        self._webhook_ids = itertools.count(1)
        """What people have let OAuth apps do, by access token."""

    def add_person(self, display_name: str, *, account_type: str = "atlassian", email_visible: bool = True) -> Person:
        """Add an account; its login is its first name."""
        name = display_name.lower().split()[0]
        digest = hashlib.sha256(display_name.encode()).hexdigest()
        person = Person(
            display_name=display_name,
            email=f"{name}@example.com",
            token=secrets.token_urlsafe(24),
            account_id=f"712020:{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:32]}",
            name=name,
            key=f"JIRAUSER{10100 + len(self.people)}",
            account_type=account_type,
            email_visible=email_visible,
        )
        self.people.append(person)
        return person

    def key_counts(self, person: Person) -> bool:
        """Say whether somebody's API token or personal access token has not come to its end."""
        ends_at = self.key_ends.get(person.account_id)
        return ends_at is None or self._clock() < ends_at

    def deny(self, person: Person, *permissions: str) -> None:
        """Take permissions (of PERMISSIONS) away from someone."""
        self._denied |= {(person.account_id, permission) for permission in permissions}

    def grant(self, person: Person, *permissions: str) -> None:
        """Give permissions back."""
        self._denied -= {(person.account_id, permission) for permission in permissions}

    def may(self, person: Person | None, permission: str) -> bool:
        """Say whether someone has a permission; the anonymous have none."""
        return person is not None and (person.account_id, permission) not in self._denied

    def exclude(self, person: Person, role_or_group: str) -> None:
        """Take someone out of a role or group."""
        self._excluded.add((person.account_id, role_or_group))

    def is_member(self, person: Person, role_or_group: str) -> bool:
        """Say whether someone belongs to a role or group."""
        told = self.members.is_member(person, role_or_group)
        return (person.account_id, role_or_group) not in self._excluded if told is None else told

    def may_see(self, person: Person, comment: Comment) -> bool:
        """Say whether someone is of a comment's audience."""
        if comment.visibility is None:
            return True
        return self.is_member(person, str(comment.visibility.get("value") or comment.visibility.get("identifier")))

    def add_project(self, key: str, name: str, *, service_desk: bool = False) -> Project:
        """Add a project."""
        self.projects[key] = Project(id=self._next("project"), key=key, name=name, service_desk=service_desk)
        return self.projects[key]

    def find_issue(self, id_or_key: str) -> Issue | None:
        """Find an issue by its id, its key, or a key it once had."""
        key = id_or_key.upper()
        key = self._aliases.get(key, key)
        return next((i for i in self.issues.values() if key in (i.id, i.key)), None)

    def get_issue(self, id_or_key: str) -> Issue:
        """Give an issue.

        Raises:
            Refusal: 404, it is not there.
        """
        issue = self.find_issue(id_or_key)
        if issue is None:
            raise not_found("Issue")
        return issue

    def indexed(self) -> list[Issue]:
        """List the issues as the index has them: with the last change that it knows, without those it does not."""
        at = self._clock() - self.index_lag
        known = [(issue, [each for each in _changed_at(issue) if each <= at]) for issue in self.issues.values()]
        return [replace(issue, updated=max(changed)) for issue, changed in known if changed]

    def create_issue(
        self,
        *,
        project: str,
        summary: str,
        reporter: Person,
        description: Body = "",
        labels: Iterable[str] = (),
        issue_type: str = "Task",
        assignee: Person | None = None,
    ) -> Issue:
        """Create an issue.

        Raises:
            Refusal: 400, no such project, no summary, or a label with a space.
        """
        if project not in self.projects:
            raise Refusal(400, errors={"project": "valid project is required"})
        if not summary.strip():
            raise Refusal(400, errors={"summary": "You must specify a summary of the issue."})
        labels = _checked_labels(labels)
        now = self._clock()
        issue = Issue(
            id=self._next("issue"),
            key=self._next_key(project),
            project=self.projects[project],
            summary=summary.strip(),
            description=description,
            reporter=reporter,
            created=now,
            updated=now,
            labels=labels,
            issue_type=issue_type,
            assignee=assignee,
        )
        self.issues[issue.id] = issue
        self._tell("jira:issue_created", "issue_created", issue, reporter)
        return issue

    def edit_issue(
        self,
        issue: Issue,
        *,
        actor: Person,
        summary: str | None = None,
        description: Body | None = None,
        labels: Iterable[str] | None = None,
    ) -> None:
        """Change fields; what stays as it was makes no changelog entry, and nothing changed makes no event."""
        changes: list[Change] = []
        if labels is not None and (wanted := _checked_labels(labels)) != issue.labels:
            changes.append(Change(field="labels", from_text=" ".join(issue.labels), to_text=" ".join(wanted)))
            issue.labels = wanted
        if summary is not None and summary != issue.summary:
            changes.append(Change(field="summary", from_text=issue.summary, to_text=summary))
            issue.summary = summary
        if description is not None and description != issue.description:
            was, now = str(issue.description), str(description)
            changes.append(Change(field="description", from_text=was, to_text=now))
            issue.description = description
        self._record(issue, actor, changes, "issue_updated")

    def assign(self, issue: Issue, assignee: Person | None, *, actor: Person) -> None:
        """Assign an issue, or unassign it."""
        was = issue.assignee
        if was == assignee:
            return
        issue.assignee = assignee
        change = Change(
            field="assignee",
            from_id=was,
            from_text=was.display_name if was else None,
            to_id=assignee,
            to_text=assignee.display_name if assignee else None,
        )
        self._record(issue, actor, [change], "issue_assigned")

    def transition(self, issue: Issue, to: Status, *, actor: Person) -> None:
        """Bring an issue to a status."""
        was, issue.status = issue.status, to
        change = Change(field="status", from_id=was.id, from_text=was.name, to_id=to.id, to_text=to.name)
        self._record(issue, actor, [change] if was != to else [], "issue_generic")

    def move_issue(self, issue: Issue, project: str, *, actor: Person) -> None:
        """Move an issue to another project; its old key goes on naming it."""
        was, old_key = issue.project, issue.key
        issue.key, issue.project = self._next_key(project), self.projects[project]
        self._aliases = {old: issue.key if new == old_key else new for old, new in self._aliases.items()}
        self._aliases[old_key] = issue.key
        changes = [
            Change(field="project", from_id=was.id, from_text=was.name, to_id=issue.project.id, to_text=project),
            Change(field="Key", from_text=old_key, to_text=issue.key),
        ]
        self._record(issue, actor, changes, "issue_moved")

    def delete_issue(self, issue: Issue, *, actor: Person) -> None:
        """Delete an issue with its comments."""
        del self.issues[issue.id]
        self._tell("jira:issue_deleted", None, issue, actor)

    def find_comment(self, comment_id: str) -> tuple[Issue, Comment] | None:
        """Find a comment and its issue."""
        return next(((i, c) for i in self.issues.values() for c in i.comments if c.id == comment_id), None)

    def add_comment(
        self,
        issue: Issue,
        body: Body,
        *,
        author: Person,
        visibility: JsonObject | None = None,
        properties: Mapping[str, object] | None = None,
    ) -> Comment:
        """Add a comment; the property INTERNAL makes it internal where the project is a service desk."""
        now = self._clock()
        comment = Comment(
            id=self._next("comment"),
            issue_id=issue.id,
            author=author,
            update_author=author,
            body=body,
            created=now,
            updated=now,
            visibility=visibility,
            internal=issue.project.service_desk and _says_internal(properties or {}),
            properties=dict(properties or {}) if self.keeps_properties else {},
        )
        issue.comments.append(comment)
        issue.updated = now
        self._tell("comment_created", "issue_commented", issue, author, comment=comment)
        return comment

    def edit_comment(
        self,
        issue: Issue,
        comment: Comment,
        body: Body,
        *,
        actor: Person,
        visibility: JsonObject | None,
        properties: Mapping[str, object] | None = None,
    ) -> None:
        """Replace a comment's body and visibility; *visibility* None opens it to all, as a `PUT` without it does."""
        comment.body, comment.update_author, comment.visibility = body, actor, visibility
        comment.updated = max(self._clock(), comment.updated + MILLISECOND)
        comment.edits += 1
        issue.updated = comment.updated
        for key, value in (properties or {}).items():
            self.set_property(comment, key, value)
        self._tell("comment_updated", "issue_comment_edited", issue, actor, comment=comment)

    def delete_comment(self, issue: Issue, comment: Comment, *, actor: Person) -> None:
        """Delete a comment."""
        issue.comments.remove(comment)
        issue.updated = self._clock()
        self._tell("comment_deleted", "issue_comment_deleted", issue, actor, comment=comment)

    def set_property(self, comment: Comment, key: str, value: object) -> bool:
        """Set a comment property; True where it was not there before. Changes no audience."""
        is_new = key not in comment.properties
        if self.keeps_properties:
            comment.properties[key] = value
        self._changed(None)
        return is_new

    def put_remote_link(self, issue: Issue, link: JsonObject) -> tuple[JsonObject, bool]:
        """Add a remote link, or replace the whole of the one with the same `globalId`; True where it is new."""
        global_id = link.get("globalId")
        old = next((known for known in issue.remote_links if global_id and known.get("globalId") == global_id), None)
        kept: JsonObject = {"id": old["id"] if old else int(self._next("link")), **link}
        if old is not None:
            issue.remote_links.remove(old)
        issue.remote_links.append(kept)
        self._changed(None)
        return kept, old is None

    def add_webhook(
        self,
        url: str,
        *,
        name: str = "webhook",
        secret: str | None = None,
        events: Sequence[str] | None = None,
        jql: str = "",
        exclude_body: bool = False,
        enabled: bool = True,
        grant: Grant | None = None,
        expires: datetime | None = None,
    ) -> Webhook:
        """Register a webhook; *events* None: all that this Jira sends."""
        webhook = Webhook(
            id=next(self._webhook_ids),
            name=name,
            url=url,
            secret=secret or None,
            events=tuple(EVENTS if events is None else events),
            jql=jql,
            exclude_body=exclude_body,
            enabled=enabled,
            updated=self._clock(),
            grant=grant,
            expires=expires,
        )
        self.webhooks[webhook.id] = webhook
        self._changed(None)
        return webhook

    def delete_webhook(self, webhook: Webhook) -> None:
        """Remove a webhook; what it still owes is sent all the same."""
        self.webhooks.pop(webhook.id, None)
        self._changed(None)

    def _next(self, kind: str) -> str:
        return str(next(self._ids[kind]))

    def _next_key(self, project: str) -> str:
        return f"{project}-{next(self._numbers.setdefault(project, itertools.count(1)))}"

    def _record(self, issue: Issue, actor: Person, changes: Sequence[Change], type_name: str) -> None:
        if not changes:
            return
        issue.updated = self._clock()
        history = History(id=self._next("history"), author=actor, created=issue.updated, changes=tuple(changes))
        issue.histories.append(history)
        self._tell("jira:issue_updated", type_name, issue, actor, history=history)

    def _tell(
        self,
        event: str,
        type_name: str | None,
        issue: Issue,
        actor: Person,
        *,
        comment: Comment | None = None,
        history: History | None = None,
    ) -> None:
        happening = Happening(
            event=event,
            type_name=type_name,
            issue=issue,
            actor=actor,
            at=self._clock(),
            comment=comment,
            history=history,
        )
        self._changed(happening)

    def _changed(self, happening: Happening | None) -> None:
        self.revision += 1
        self.on_change(happening)


def _changed_at(issue: Issue) -> list[datetime]:
    comments = [at for comment in issue.comments for at in (comment.created, comment.updated)]
    return [issue.created, issue.updated, *comments, *(history.created for history in issue.histories)]


def _checked_labels(labels: Iterable[str]) -> list[str]:
    wanted = list(dict.fromkeys(labels))
    for label in wanted:
        if not label or any(character.isspace() for character in label):
            raise Refusal(400, errors={"labels": f"The label '{label}' contains spaces which is invalid."})
    return sorted(wanted)


def _says_internal(properties: Mapping[str, object]) -> bool:
    value = properties.get(INTERNAL)
    return isinstance(value, dict) and value.get("internal") is True
