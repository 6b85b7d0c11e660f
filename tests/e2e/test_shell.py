"""Commands beside a running daemon: the command writes a row, the daemon carries it out, the command tells of it."""

import contextlib
from collections.abc import AsyncIterator

import pytest

from jirabot.app import App, open_app
from jirabot.core.conversations import RunState, State
from jirabot.core.deliveries import DeliveryState
from jirabot.core.effects import EffectState
from jirabot.core.ids import CommentId
from jirabot.core.managers.replays import ReplayWishes
from jirabot.core.people import SHELL

from .stage import GATED, Stage

pytestmark = pytest.mark.alike


@contextlib.asynccontextmanager
async def shell(stage: Stage) -> AsyncIterator[App]:
    """Open the same data folder as another process would."""
    async with open_app(stage.app.settings) as app:
        yield app


async def test_a_replay_that_acts_again_is_acted_on_by_the_daemon(stage: Stage) -> None:
    """The same conversation goes on with the same request; without `--again` nothing happens."""
    comment = await stage.comment("@openhands fix login.py")
    await stage.says()
    assert "Done." in (await stage.says()).text
    await stage.rest()
    delivery_id = (await stage.outcome(comment)).id

    async with shell(stage) as app:
        plain = await app.replay_kept(delivery_id, ReplayWishes(), by=SHELL)
        again = await app.replay_kept(delivery_id, ReplayWishes(again=True), by=SHELL)

    assert (plain.decision, plain.steps[-2].reason) == ("ignore", "already-acted")
    assert (again.decision, again.steps[-2].reason, again.failed) == ("continue", "reopened", False)
    assert "I go on: “fix login.py”" in (await stage.says()).text
    assert "Done." in (await stage.says()).text
    assert [run.number for run in (await stage.whole()).runs] == [1, 2]


@pytest.mark.parametrize("at_root", [True, False], ids=["root", "events address"])
async def test_a_payload_is_signed_and_posted_to_the_daemon(stage: Stage, at_root: bool) -> None:
    """`--sign --to`: it is accepted as the workspace's own, and told as the duplicate that it is."""
    comment = await stage.comment("Nothing for the bot")
    first = await stage.outcome(comment)
    body = (await stage.app.deliveries.request(first.id, by=SHELL)).body
    address = stage.address if at_root else stage.events_url

    async with shell(stage) as app:
        signed = await app.post_replay(body, address, ReplayWishes(sign=True), by=SHELL)
        unsigned = await app.post_replay(body, address, ReplayWishes(), by=SHELL)

    assert (signed.status, unsigned.status) == (200, 403)
    assert signed.answer == f'{{"success":true,"status":"duplicate","delivery":"{first.id}"}}'


async def test_an_event_that_waits_is_handled_at_once_when_it_is_tried_again(stage: Stage) -> None:
    """A Jira that fails asked for an hour; one command beside the daemon brings the answer now."""
    how = {"status": 503, "headers": {"Retry-After": "3600"}, "times": 1}
    stage.jira.faults.add("answer", method="GET", path="/issue/", **how)
    comment = await stage.comment("@openhands help")
    waiting = await stage.until_stored(lambda tx: next(iter(tx.deliveries.list(state=DeliveryState.WAITING)), None))

    async with shell(stage) as app:
        await app.deliveries.retry(waiting.id, by=SHELL)

    assert "this is what you can ask of me" in (await stage.says()).text
    assert (await stage.outcome(comment)).attempts == 0


async def test_the_shell_stops_an_agent_that_works(stage: Stage) -> None:
    """The command ends once the agent has; the issue says who asked."""
    await stage.comment("@openhands stall")
    await stage.says()
    await stage.until_running()

    async with shell(stage) as app:
        whole = await app.conversations.stop((await stage.conversation()).id, by=SHELL)

    assert (whole.conversation.state, whole.runs[-1].state) == (State.STOPPED, RunState.STOPPED)
    assert (await stage.says()).text == "Stopped, as jirabot's shell asked."


async def test_what_the_shell_sends_goes_to_the_agent(stage: Stage) -> None:
    """A finished conversation goes on with it; the person who asked first stays the one who is asked."""
    await stage.comment("@openhands fix login.py")
    await stage.says()
    assert "Done." in (await stage.says()).text
    await stage.rest()
    conversation_id = (await stage.conversation()).id

    async with shell(stage) as app:
        sent = await app.conversations.send(conversation_id, "ask which greeting do you want", by=SHELL)

    assert (sent.messages[-1].text, sent.messages[-1].author.label) == (
        "ask which greeting do you want",
        "jirabot's shell",
    )
    assert sent.messages[-1].given_to == sent.runs[-1].id
    assert "jirabot's shell, I go on: “ask which greeting do you want”" in (await stage.says()).text
    assert "Ada Lovelace, a question:" in (await stage.says()).text
    await stage.comment("Hello, please")
    assert "I go on: “Hello, please”" in (await stage.says()).text
    assert "Done. 2 commits" in (await stage.says()).text


@pytest.mark.stage(settings={"agents": GATED})
async def test_what_the_shell_sends_while_the_agent_works_waits_for_the_turns_end(stage: Stage) -> None:
    """The first answer notes it, and the next turn has it; the asker stays."""
    await stage.comment("@openhands begin")
    first = await stage.says()
    await stage.until_running()

    async with shell(stage) as app:
        await app.conversations.send((await stage.conversation()).id, "then this", by=SHELL)

    await stage.until(lambda: "jirabot's shell added something" in first.text)
    await stage.let_go()
    assert "Done." in (await stage.says()).text
    assert "jirabot's shell, I go on: “then this”" in (await stage.says()).text
    await stage.until_running(2)
    await stage.let_go()
    assert "Done." in (await stage.says()).text
    assert (await stage.prompts())[1].endswith("**jirabot's shell:** then this")
    assert (await stage.conversation()).asker.label == "Ada Lovelace"


async def test_the_shell_has_a_failed_conversation_try_again(stage: Stage) -> None:
    """The same request, in the same conversation and checkout."""
    await stage.comment("@openhands crash at once")
    await stage.says()
    assert "did not work out" in (await stage.says()).text
    await stage.rest()
    failed = await stage.conversation()

    async with shell(stage) as app:
        again = await app.conversations.retry(failed.id, by=SHELL)

    assert [message.text for message in again.messages] == ["crash at once", "crash at once"]
    assert "jirabot's shell, I go on: “crash at once”" in (await stage.says()).text
    assert "did not work out" in (await stage.says()).text
    assert [run.state for run in (await stage.whole()).runs] == [RunState.FAILED, RunState.FAILED]


@pytest.mark.stage(settings={"agents": GATED})
async def test_what_an_agent_reports_is_followed_to_its_end(stage: Stage) -> None:
    """Each event comes as it is reported, and following ends when the conversation rests."""
    await stage.comment("@openhands begin")
    await stage.says()
    await stage.until_running()

    followed = []
    async with shell(stage) as app:
        async for event in app.conversations.follow((await stage.conversation()).id, by=SHELL):
            followed.append((event.kind, event.text))
            if event.kind == "progress":
                await stage.let_go()

    assert followed == [("progress", "Waiting to be let go"), ("finished", "I was let go.")]
    assert "Done." in (await stage.says()).text


async def test_a_conversation_that_waits_for_an_answer_is_closed(stage: Stage) -> None:
    """Nothing begins by itself any more: a plain reply is no answer now. A mention takes it up again."""
    await stage.comment("@openhands ask which greeting do you want")
    await stage.says()
    assert "a question:" in (await stage.says()).text
    await stage.rest()

    async with shell(stage) as app:
        closed = await app.conversations.close((await stage.conversation()).id, by=SHELL)

    assert closed.conversation.state is State.COMPLETED
    assert (await stage.says()).text == "Closed, as jirabot's shell asked. Mention me to take it up again."
    reply = await stage.comment("Hello, please")
    assert (await stage.outcome(reply)).reason == "not-asked"


async def test_a_deleted_conversation_leaves_no_row_and_no_checkout(stage: Stage) -> None:
    """Its comments are still known as the bot's own, and the next mention begins anew."""
    await stage.comment("@openhands fix login.py")
    await stage.says()
    result = await stage.says()
    await stage.rest()
    deleted = await stage.conversation()

    async with shell(stage) as app:
        await app.conversations.delete(deleted.id, by=SHELL)

    assert not stage.app.checkouts.has_checkout(deleted.id)
    assert await stage.app.storage.read(lambda tx: tx.conversations.list()) == []
    own = await stage.app.storage.read(lambda tx: tx.outbox.find_by_comment(stage.workspace.id, CommentId(result.id)))
    assert own is not None
    await stage.comment("@openhands fix login.py")
    assert "I am on it" in (await stage.says()).text
    assert "Done." in (await stage.says()).text
    assert (await stage.conversation()).id != deleted.id


async def test_a_comment_that_jira_refused_is_sent_when_it_is_owed_again(stage: Stage) -> None:
    """What was mended in Jira, one command beside the daemon makes good."""
    stage.expected_errors = {"effect.dead", "trouble.begun"}
    stage.jira.faults.add("answer", method="POST", path="/comment$", status=400, times=1)
    await stage.comment("@openhands help")
    dead = await stage.until_stored(lambda tx: next(iter(tx.outbox.list(state=EffectState.DEAD)), None))

    async with shell(stage) as app:
        await app.outbox.retry(dead.id, by=SHELL)

    assert "this is what you can ask of me" in (await stage.says()).text
    sent, _ = await stage.app.outbox.show(dead.id, by=SHELL)
    assert sent.attempts == 1
    # Jira has said that it does not stand: it was not looked for, which takes the grace before it is sent.
    assert not [each for each in stage.jira.requests if each.method == "GET" and each.path.endswith("/comment")]


async def test_what_the_shell_orders_is_told_to_those_alone_who_may_read_the_conversation(stage: Stage) -> None:
    """A restricted conversation stays restricted, whoever stops it."""
    role = {"type": "role", "value": "Developers"}
    await stage.comment("@openhands ask which greeting do you want", visibility=role)
    await stage.says()
    assert "a question:" in (await stage.says()).text
    await stage.rest()

    async with shell(stage) as app:
        await app.conversations.stop((await stage.conversation()).id, by=SHELL)

    stopped = await stage.says()
    assert stopped.text == "Stopped, as jirabot's shell asked."
    assert stopped.visibility is not None
    assert {name: stopped.visibility[name] for name in role} == role
