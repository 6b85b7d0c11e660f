"""The pages as functions: values in, HTML out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape

from jirabot.sandbox import bodies
from jirabot.sandbox.issues import STATUSES, Comment, Issue, Person, Webhook
from jirabot.sandbox.pages.rendering import Renderer
from jirabot.sandbox.senders import Attempt, SentDelivery

SHOWN_DELIVERIES = 100
"""How many deliveries the administration shows, the newest first."""

HUES = 6
"""How many colours of avatars the style sheet has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Views:
    """Writes the pages of one Jira."""

    context_path: str
    title: str
    people: Sequence[Person]
    """Who may be chosen to write."""
    everyone: Sequence[Person]
    renderer: Renderer

    def issues(self, issues: Iterable[Issue], projects: Iterable[str]) -> str:
        """Write the list of issues, the newest first, and the form for a new one."""
        rows = "".join(
            f'<li><a class="key" href="{self._browse(issue)}">{escape(issue.key)}</a>'
            f'<a class="summary" href="{self._browse(issue)}">{escape(issue.summary)}</a>'
            f"{_labels(issue)}{_lozenge(issue)}<span class='count'>{_count(len(issue.comments), 'comment')}</span></li>"
            for issue in reversed(list(issues))
        )
        listed = (
            f'<ol class="issues">{rows}</ol>' if rows else '<p class="empty">No issues yet. Make the first one.</p>'
        )
        options = "".join(f"<option>{escape(key)}</option>" for key in projects)
        form = f"""
<form class="card" method="post" action="/sandbox/issue">
<h2>Create an issue</h2>
{self._who("issue")}
<label>Project <select name="project">{options}</select></label>
<label>Summary <input name="summary" required maxlength="255"></label>
<label>Description <textarea name="description" rows="4"></textarea></label>
<label>Labels <input name="labels" placeholder="separated by spaces"></label>
<button>Create</button>
</form>"""
        return self._page("Issues", f'<h1>Issues</h1><div data-live="issues">{listed}</div>{form}')

    def issue(self, issue: Issue) -> str:
        """Write an issue with its comments and all that people may do with it."""
        description = self.renderer.render(bodies.to_adf(issue.description)) if issue.description else ""
        comments = "".join(self._comment(comment) for comment in issue.comments)
        main = f"""
<p class="crumb"><a href="{self.context_path}/">{escape(issue.project.name)}</a> / {escape(issue.key)}</p>
<div data-live="issue"><h1>{escape(issue.summary)}</h1>
<div class="body">{description or '<p class="empty">No description.</p>'}</div></div>
<h2>Comments</h2>
<div data-live="comments">{comments or '<p class="empty">No comments yet.</p>'}</div>
{self._comment_form(issue)}"""
        return self._page(
            f"{issue.key}: {issue.summary}",
            f'<div class="columns"><article>{main}</article><aside class="side">{self._side(issue)}</aside></div>',
        )

    def webhooks(self, webhooks: Iterable[Webhook], deliveries: Sequence[SentDelivery]) -> str:
        """Write the administration of webhooks, with what was sent."""
        rows = "".join(map(_webhook, webhooks)) or '<p class="empty">No webhooks yet.</p>'
        sent = "".join(map(_delivery, reversed(deliveries[-SHOWN_DELIVERIES:])))
        table = (
            "<div class='wide'><table><thead><tr><th>No.</th><th>Event</th><th>Issue</th><th>Answers</th><th>To</th>"
            f"</tr></thead><tbody>{sent}</tbody></table></div>"
            if sent
            else '<p class="empty">Nothing was sent yet.</p>'
        )
        form = """
<form class="card" method="post" action="/sandbox/webhook">
<h2>Create a webhook</h2>
<label>URL <input name="url" type="url" required placeholder="http://127.0.0.1:8642/…"></label>
<label>Secret <input name="secret" autocomplete="off"></label>
<button>Create</button>
</form>"""
        live = f'<div data-live="webhooks">{rows}<h2>Deliveries</h2>{table}</div>'
        return self._page("WebHooks", f"<h1>WebHooks</h1>{live}{form}")

    def failure(self, status: int, message: str) -> str:
        """Write what went wrong."""
        return self._page(
            f"{status}",
            f'<h1>That did not work</h1><p>{escape(message)}</p><p><a href="{self.context_path}/">All issues</a></p>',
        )

    def _comment(self, comment: Comment) -> str:
        marks = []
        if comment.visibility is not None:
            level = comment.visibility.get("value") or comment.visibility.get("identifier")
            marks.append(f'<span class="lozenge restricted">only {escape(str(level))}</span>')
        if comment.internal:
            marks.append('<span class="lozenge restricted">internal note</span>')
        if comment.edits:
            marks.append(f'<span class="edited" title="{_stamp(comment.updated)}">edited</span>')
        return f"""
<section class="comment" id="comment-{comment.id}">
{self._avatar(comment.author)}
<div><header><strong>{escape(comment.author.display_name)}</strong>
<a href="#comment-{comment.id}"><time datetime="{comment.created.isoformat()}">{_stamp(comment.created)}</time></a>
{" ".join(marks)}</header>
<div class="body">{self.renderer.render(bodies.to_adf(comment.body))}</div></div>
</section>"""

    def _comment_form(self, issue: Issue) -> str:
        internal = '<option value="internal">internal note</option>' if issue.project.service_desk else ""
        return f"""
<form class="card" method="post" action="/sandbox/comment">
<input type="hidden" name="issue" value="{issue.key}">
{self._who("comment")}
<label class="quiet" for="text">Comment</label>
<textarea id="text" name="text" rows="4" required placeholder="@openhands fix it"></textarea>
<div class="row"><button>Comment</button>
<label class="inline">Visible to <select name="audience"><option value="">everyone</option>
<option value="Developers">role Developers</option>{internal}</select></label></div>
</form>"""

    def _side(self, issue: Issue) -> str:
        hidden = f'<input type="hidden" name="issue" value="{issue.key}">'
        labels = "".join(
            f'<form method="post" action="/sandbox/labels" class="label">{hidden}'
            f'<button name="remove" value="{escape(label)}" title="Remove this label">{escape(label)} &times;</button>'
            "</form>"
            for label in issue.labels
        )
        statuses = "".join(_option(s.id, s.name, s == issue.status) for s in STATUSES)
        assigned = issue.assignee.account_id if issue.assignee else ""
        assignees = _option("", "Unassigned", not assigned) + "".join(
            _option(p.account_id, p.display_name, p.account_id == assigned) for p in self.everyone
        )
        links = "".join(
            f'<li><a href="{escape(str(link["object"]["url"]))}" rel="noopener noreferrer">'
            f"{escape(str(link['object']['title']))}</a></li>"
            for link in issue.remote_links
            if str(link["object"]["url"]).startswith(("http://", "https://"))
        )
        return f"""
<div data-live="details">
<h2>Details</h2>
<form method="post" action="/sandbox/transition" class="row">{hidden}
<label>Status <select name="status">{statuses}</select></label><button class="minor">Set</button></form>
<form method="post" action="/sandbox/assign" class="row">{hidden}
<label>Assignee <select name="assignee">{assignees}</select></label><button class="minor">Set</button></form>
<p class="field">Reporter</p><p>{self._avatar(issue.reporter)} {escape(issue.reporter.display_name)}</p>
<p class="field">Labels</p><div class="labels">{labels or '<span class="empty">None</span>'}</div>
</div>
<form method="post" action="/sandbox/labels" class="row">{hidden}
<input name="add" required pattern="\\S+" title="one word" placeholder="new label" aria-label="New label">
<button class="minor">Add</button></form>
<div data-live="links">{f'<p class="field">Links</p><ul class="links">{links}</ul>' if links else ""}</div>"""

    def _who(self, name: str) -> str:
        choices = "".join(
            f'<label><input type="radio" name="person" value="{escape(person.account_id)}"'
            f' id="{name}-{person.name}"{" checked" if number == 0 else ""}>'
            f" {self._avatar(person)} {escape(person.display_name)}</label>"
            for number, person in enumerate(self.people)
        )
        return f'<fieldset class="who"><legend class="quiet">Write as</legend>{choices}</fieldset>'

    def _avatar(self, person: Person) -> str:
        initials = "".join(word[0] for word in person.display_name.split()[:2])
        hue = self.everyone.index(person) % HUES if person in self.everyone else 0
        return f'<span class="avatar hue{hue}" aria-hidden="true">{escape(initials)}</span>'

    def _browse(self, issue: Issue) -> str:
        return f"{self.context_path}/browse/{issue.key}"

    def _page(self, title: str, content: str) -> str:
        return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)} · {escape(self.title)}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/sandbox/style.css">
<script src="/sandbox/refresh.js" defer></script>
</head>
<body>
<header class="top"><a class="brand" href="{self.context_path}/">{escape(self.title)}</a>
<nav><a href="{self.context_path}/">Issues</a>
<a href="{self.context_path}/plugins/servlet/webhooks">WebHooks</a></nav></header>
<main>{content}</main>
</body>
</html>
"""


def _webhook(webhook: Webhook) -> str:
    told = ["signed" if webhook.secret else "no secret", ", ".join(webhook.events), webhook.jql]
    return f"""
<section class="webhook"><div><strong>{escape(webhook.name)}</strong> <code>{escape(webhook.url)}</code>
<p class="empty">{escape(" · ".join(filter(None, told)))}</p></div>
<form method="post" action="/sandbox/webhook/delete">
<button class="minor" name="webhook" value="{webhook.id}">Delete</button></form>
</section>"""


def _delivery(delivery: SentDelivery) -> str:
    attempts = " ".join(map(_attempt, delivery.attempts)) or '<span class="lozenge">waiting</span>'
    if delivery.attempts and not delivery.done:
        attempts += ' <span class="lozenge">will be sent again</span>'
    return (
        f'<tr><td><a href="/sandbox/deliveries/{delivery.number}">{delivery.number}</a></td>'
        f"<td>{escape(delivery.event)}</td><td>{escape(delivery.issue_key)}</td><td>{attempts}</td>"
        f"<td><code>{escape(delivery.url)}</code></td></tr>"
    )


def _attempt(attempt: Attempt) -> str:
    kind = "done" if attempt.succeeded else "restricted"
    told = str(attempt.status) if attempt.status is not None else "no answer"
    return f'<span class="lozenge {kind}" title="{escape(_stamp(attempt.at))} {escape(attempt.error)}">{told}</span>'


def _labels(issue: Issue) -> str:
    return "".join(f'<span class="tag">{escape(label)}</span>' for label in issue.labels)


def _lozenge(issue: Issue) -> str:
    return f'<span class="lozenge {issue.status.category}">{escape(issue.status.name)}</span>'


def _option(value: str, text: str, selected: bool) -> str:
    return f'<option value="{escape(value)}"{" selected" if selected else ""}>{escape(text)}</option>'


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _stamp(at: datetime) -> str:
    return f"{at.astimezone(UTC):%d %b %Y, %H:%M:%S}"
