"""What the bot says on an issue: one function a comment, values in, Markdown out. Pure.

The sentences are entries of `core/texts`; what people or programs wrote is escaped or fenced before it is put in.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import assert_never

from jirabot.core.checkouts import Published
from jirabot.core.conversations import Conversation
from jirabot.core.decisions import Reason
from jirabot.core.given_up import Cause
from jirabot.core.ids import DeliveryId
from jirabot.core.people import Account
from jirabot.core.permissions import Anyone, CanEdit, Linked, OfGroup, OfRole, WhoMay
from jirabot.core.texts import Texts, escape
from jirabot.core.triggers import Bot, Remark, Trigger
from jirabot.core.workspaces import Workspace

REQUEST_EXCERPT_CHARACTERS = 90
"""How much of a request the first answer repeats: enough to see which comment it answers."""

STAT_CHARACTERS = 3000
"""How much of a diff's summary a result shows; Jira's comments end at 32,767 characters."""


def first_answer(texts: Texts, *, asker: Account, request: str, again: bool) -> str:
    """Say at once that the work begins, or goes on."""
    excerpt = _excerpt(request)
    task = texts.say("comment.task-request", request=excerpt) if excerpt else texts.say("comment.task-issue")
    return texts.say("comment.first-answer-again" if again else "comment.first-answer", name=_name(asker), task=task)


def working(texts: Texts, conversation: Conversation) -> str:
    """Say where the agent works."""
    if not conversation.repository_name:
        return texts.say("comment.working-empty")
    return texts.say(
        "comment.working",
        repository=_code(conversation.repository_name),
        branch=_code(conversation.branch),
        base=_code(conversation.base),
    )


def progress(texts: Texts, text: str) -> str:
    """Say what the agent does now."""
    return texts.say("comment.progress", progress=escape(text)[:300])


def queued(texts: Texts, *, author: Account, waiting_count: int, is_running: bool) -> str:
    """Note in the first answer that something waits: for the turn's end, or where none is running for its begin."""
    entry = "comment.queued" if is_running else "comment.queued-before"
    return texts.say(entry, name=_name(author), count=waiting_count)


def decided(
    texts: Texts, reason: Reason, trigger: Trigger | Remark, workspace: Workspace, bot: Bot, rule: WhoMay
) -> str:
    """Say what a decision that starts nothing tells the person: a refusal, help, nothing to stop."""
    return texts.say(
        f"comment.{_DECIDED[reason]}",
        name=_name(trigger.actor),
        workspace=workspace.name,
        account=trigger.actor.to_link,
        mention=_word(bot),
        label=bot.label,
        those=_those(texts, rule),
    )


def given_up(texts: Texts, cause: Cause, bot: Bot, delivery_id: DeliveryId) -> str:
    """Say that what was asked could not be taken, how to ask again, and how an administrator has it tried again."""
    return texts.say(
        "comment.given-up", cause=texts.say(f"given-up.{cause.value}"), mention=_word(bot), delivery=delivery_id
    )


def _word(bot: Bot) -> str:
    """Give the word that speaks to the bot; empty where only its account's name does."""
    return bot.address.words[0] if bot.address.words else ""


def _those(texts: Texts, rule: WhoMay) -> str:
    """Say whom the bot takes work from, by a workspace's rule."""
    match rule:
        case Linked():
            return texts.say("who-may.linked")
        case Anyone():
            return texts.say("who-may.anyone")
        case OfGroup(group=group):
            return texts.say("who-may.group", group=_code(group))
        case OfRole(role=role):
            return texts.say("who-may.role", role=_code(role))
        case CanEdit():
            return texts.say("who-may.can-edit")
        case _:
            assert_never(rule)


_DECIDED = {
    Reason.NOT_LINKED: "not-linked",
    Reason.LINK_ENDED: "link-ended",
    Reason.NOT_ALLOWED: "not-allowed",
    Reason.CUSTOMER: "customer",
    Reason.PERMISSION_UNREADABLE: "permission-unreadable",
    Reason.NO_AGENT: "no-agent",
    Reason.HELPED: "help",
    Reason.NOTHING_TO_STOP: "nothing-to-stop",
    Reason.OTHER_AUDIENCE: "other-audience",
    Reason.TOO_OLD: "too-old",
}


def question(texts: Texts, *, asked: Account, text: str) -> str:
    """Put the agent's question to a person."""
    return texts.say("comment.question", name=_name(asked), question=text.strip())


def result(texts: Texts, conversation: Conversation, summary: str, published: Published | None) -> str:
    """Say what came of the work: what git says, then the agent's own words."""
    told = summary.strip() or texts.say("comment.summary-none")
    repository = _code(conversation.repository_name)
    if published is None:
        return texts.say("comment.result-empty", summary=told)
    if published.commits_count == 0:
        return texts.say("comment.result-unchanged", repository=repository, summary=told)
    said = texts.say(
        "comment.result-pushed",
        commits=commits(texts, published.commits_count),
        branch=_code(published.branch),
        repository=repository,
        base=_code(published.base),
        summary=told,
    )
    return "\n\n".join([said, changes(texts, published)]) if published.diff_stat.strip() else said


def not_published(texts: Texts, conversation: Conversation, summary: str, cause: str) -> str:
    """Say that the work is done but git refused to take it."""
    return texts.say(
        "comment.result-not-pushed",
        cause=escape(cause),
        branch=_code(conversation.branch),
        summary=summary.strip() or texts.say("comment.summary-none"),
    )


def changes(texts: Texts, published: Published) -> str:
    """Show which files changed, as git counts them."""
    return texts.say("comment.changes", stat=_fence(published.diff_stat.strip("\n")[:STAT_CHARACTERS]))


def failure(
    texts: Texts,
    conversation: Conversation,
    kind: str,
    *,
    cause: str = "",
    hint: str = "",
    said: str = "",
    published: Published | None = None,
) -> str:
    """Say that it did not work out, why, what the agent *said* of it, what a person can do, and what there is."""
    told = texts.say(
        "comment.failure",
        name=_name(conversation.asker),
        cause=texts.say(f"failure.{kind}", cause=escape(cause)),
        advice=texts.say(f"advice.{kind}", hint=hint, conversation=conversation.id),
    )
    parts = [told]
    if said.strip():
        parts.append(texts.say("comment.failure-said", said=said.strip()))
    if published is not None and published.commits_count:
        parts.append(_work(texts, "comment.failure-work", conversation, published))
    return "\n\n".join(parts)


def stopped(texts: Texts, conversation: Conversation, by: str, published: Published | None) -> str:
    """Say that the work was ended, and what there is of it."""
    if published is None or published.commits_count == 0:
        return texts.say("comment.stopped", name=escape(by))
    return _work(texts, "comment.stopped-work", conversation, published, name=escape(by))


def expired(texts: Texts, conversation: Conversation, session: timedelta, published: Published | None) -> str:
    """Say that the work has rested for too long and is ended, how it is taken up again, and what there is of it."""
    said = {"name": _name(conversation.asker), "session": duration(session)}
    if published is not None and published.commits_count:
        return _work(texts, "comment.expired-work", conversation, published, **said)
    return texts.say("comment.expired" if conversation.asked is None else "comment.expired-question", **said)


def agent_away(texts: Texts, conversation: Conversation) -> str:
    """Say that the work waits until its agent can be used again."""
    return texts.say("comment.agent-away", name=_name(conversation.asker), agent=_code(conversation.agent))


def closed(texts: Texts, by: str) -> str:
    """Say that nothing of the work goes on by itself."""
    return texts.say("comment.closed", name=escape(by))


def which_repository(
    texts: Texts, *, asked: Account, names: Sequence[str], ambiguous: bool, workspace: Workspace
) -> str:
    """Ask which repository an issue belongs to; with none set up, say how one is."""
    if not names:
        return texts.say("comment.no-repository", name=_name(asked), workspace=workspace.name)
    entry = "comment.which-of" if ambiguous else "comment.which-repository"
    return texts.say(entry, name=_name(asked), names=_names(names))


def repository_refused(texts: Texts, *, asked: Account, names: Sequence[str]) -> str:
    """Decline because no repository is named and the workspace wants no question."""
    return texts.say("comment.repository-refused", name=_name(asked), names=_names(names) or "—")


def which_branch(texts: Texts, *, asked: Account, repository: str, branch: str) -> str:
    """Ask for another base branch."""
    return texts.say("comment.which-branch", name=_name(asked), repository=_code(repository), branch=_code(branch))


def commits(texts: Texts, count: int) -> str:
    """Count commits in words."""
    return texts.say("comment.commits-one") if count == 1 else texts.say("comment.commits-many", count=count)


def duration(spent: timedelta) -> str:
    """Say how long something took: `45 s`, `3 min`, `2 h 5 min`."""
    seconds = max(0, round(spent.total_seconds()))
    hours, minutes = divmod(seconds // 60, 60)
    if hours:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{minutes} min" if minutes else f"{seconds} s"


def _work(texts: Texts, entry: str, conversation: Conversation, published: Published, **more: str) -> str:
    return texts.say(
        entry,
        branch=_code(published.branch),
        repository=_code(conversation.repository_name),
        commits=commits(texts, published.commits_count),
        **more,
    )


def _name(account: Account) -> str:
    return escape(account.label)


def _names(names: Sequence[str]) -> str:
    return ", ".join(f"`{_code(name)}`" for name in names)


def _code(text: str) -> str:
    """Make text harmless between backticks."""
    return " ".join(text.replace("`", "'").split())


def _fence(text: str) -> str:
    ticks = "```"
    while ticks in text:
        ticks += "`"
    return f"{ticks}\n{text}\n{ticks}"


def _excerpt(request: str) -> str:
    first = next((line.strip() for line in request.splitlines() if line.strip()), "")
    cut = first if len(first) <= REQUEST_EXCERPT_CHARACTERS else first[:REQUEST_EXCERPT_CHARACTERS].rstrip() + "…"
    # The request is Markdown already; escaping it again would show its backslashes.
    return escape(cut.replace("\\", ""))
