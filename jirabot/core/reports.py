"""From what an agent reports, and what git says, to what the issue should see. Pure."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import assert_never

from jirabot.core import views
from jirabot.core.agents import Ending, Failed, Finished, Question, Stopped
from jirabot.core.checkouts import Published
from jirabot.core.conversations import NOBODY, Conversation, Happening, RunState
from jirabot.core.effects import EffectKind
from jirabot.core.marks import take_off_mark
from jirabot.core.people import Account
from jirabot.core.texts import Texts


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """What a turn's end means: for the conversation, for the run, and what is said."""

    happening: Happening
    run_state: RunState
    kind: EffectKind
    text: str
    closing: str
    """The last line of the first answer, which showed the progress."""
    summary: str
    failure: str = ""


def settle(ending: Ending, *, commits_count: int) -> Ending:
    """Decide whether a turn that ended without saying how was a question: no commit, and it ends with `?`.

    What the agent said explicitly stands. The marker line is taken off.
    """
    if isinstance(ending, Finished):
        summary, mark = take_off_mark(ending.summary)
        guessed = mark is None and not ending.explicit and commits_count == 0 and summary.endswith("?")
        return Question(text=summary) if mark == "QUESTION" or guessed else replace(ending, summary=summary)
    if isinstance(ending, Question):
        return Question(text=take_off_mark(ending.text)[0])
    return ending


def conclude(
    texts: Texts,
    conversation: Conversation,
    ending: Ending,
    published: Published | None,
    *,
    asked: Account,
    stopped_by: str,
    session: timedelta,
    spent: str,
) -> Conclusion:
    """Phrase the end of a turn. *published* is None where there is no repository; *session*: how long one may rest."""
    match ending:
        case Question(text=text):
            return Conclusion(
                happening=Happening.RUN_ASKED,
                run_state=RunState.ASKED,
                kind=EffectKind.QUESTION,
                text=views.question(texts, asked=asked, text=text),
                closing=texts.say("comment.closed-asked"),
                summary=text,
            )
        case Finished(summary=summary):
            return Conclusion(
                happening=Happening.RUN_FINISHED,
                run_state=RunState.FINISHED,
                kind=EffectKind.RESULT,
                text=views.result(texts, conversation, summary, published),
                closing=texts.say("comment.closed-finished", duration=spent),
                summary=summary,
            )
        case Failed(kind=kind, text=text, explicit=explicit):
            return Conclusion(
                happening=Happening.RUN_FAILED,
                run_state=RunState.FAILED,
                kind=EffectKind.FAILURE,
                text=views.failure(texts, conversation, kind.value, said=text if explicit else "", published=published),
                closing=texts.say("comment.closed-failed"),
                summary=text,
                failure=kind.value,
            )
        case Stopped() if stopped_by == NOBODY:
            return Conclusion(
                happening=Happening.SESSION_OVER,
                run_state=RunState.EXPIRED,
                kind=EffectKind.RESULT,
                text=views.expired(texts, conversation, session, published),
                closing=texts.say("comment.closed-expired"),
                summary="",
            )
        case Stopped():
            return Conclusion(
                happening=Happening.STOP_ASKED,
                run_state=RunState.STOPPED,
                kind=EffectKind.RESULT,
                text=views.stopped(texts, conversation, stopped_by, published),
                closing=texts.say("comment.closed-stopped"),
                summary="",
            )
        case _:
            assert_never(ending)
