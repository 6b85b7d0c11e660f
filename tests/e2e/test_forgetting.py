"""A person forgotten: no file that jirabot keeps names them any more, and what they asked for keeps its outcome."""

import json
from pathlib import Path

import pytest

from jirabot.core.conversations import State
from jirabot.core.ids import AccountId
from jirabot.core.people import SHELL, LinkState
from jirabot.errors import Conflict, InvalidInput, NotFound

from .stage import GATED, Stage

pytestmark = pytest.mark.alike


def words(stage: Stage) -> list[bytes]:
    """All that Ada is known by, in each form that a payload may write it in."""
    ada = stage.jira.ada
    of_jira = [ada.account_id] if stage.jira.deployment == "cloud" else [ada.key]
    known = [*of_jira, ada.display_name, ada.email]
    return [form.encode() for word in known for form in {word, json.dumps(word)[1:-1]}]


def account(stage: Stage) -> str:
    return stage.jira.ada.account_id if stage.jira.deployment == "cloud" else stage.jira.ada.key


def naming(stage: Stage, *, but: str = "mirrors") -> list[str]:
    """List the files of the data folder that name her, but for git's own, and for another's checkout."""
    found: list[str] = []
    for path in sorted(stage.app.settings.data_dir.rglob("*")):
        if path.is_file() and not {"mirrors", but} & {*path.parts}:
            content = path.read_bytes()
            found += [f"{_short(path)}: {word!r}" for word in words(stage) if word.lower() in content.lower()]
    return found


def _short(path: Path) -> str:
    return "/".join(path.parts[-2:])


async def play(stage: Stage) -> str:
    """Let Ada ask, answer, and write a body that is too large for a row; let Grace name her in her conversation."""
    await stage.link(stage.jira.grace)
    await stage.comment("@openhands ask which colour")
    await stage.says()
    await stage.says()
    await stage.comment("blue, please")
    await stage.says()
    await stage.says()
    await stage.comment("x" * 300_000)
    other = await stage.jira.create_issue(summary="Another")
    named = f"@openhands edit, as {stage.jira.ada.display_name} said"
    await stage.jira.comment(other.key, named, author=stage.jira.grace)
    await stage.says(on=other)
    await stage.says(on=other)
    await stage.rest()
    return (await stage.conversation(on=other)).id


async def test_no_file_names_who_is_forgotten(stage: Stage) -> None:
    """Database, its log, bodies, her checkouts and prompts: before they do, afterwards none does."""
    graces = await play(stage)
    assert {line.partition(":")[0].rpartition(".")[2] for line in naming(stage)} & {"db", "db-wal"}
    assert [line for line in naming(stage) if line.startswith("spool/")]

    done = await stage.app.forgetting.forget("acme", account(stage), by=SHELL)

    assert naming(stage, but=graces) == []
    assert done.swept
    assert done.counts["bodies"] >= 3
    assert done.counts["links"] == done.counts["conversations"] == 1
    assert (done.issues, len(done.branches), done.counts["messages"]) == ([stage.issue.key], 1, 2)


async def test_what_they_asked_for_keeps_its_outcome(stage: Stage) -> None:
    """Decisions, states and runs stay, under the same pseudonym everywhere; the audit is whole and says who forgot."""
    await play(stage)
    before = [(d.id, d.state, d.decision, d.reason, d.issue_key) for d in await stage.deliveries()]

    done = await stage.app.forgetting.forget("acme", account(stage), by=SHELL)

    assert [(d.id, d.state, d.decision, d.reason, d.issue_key) for d in await stage.deliveries()] == before
    whole = await stage.whole()
    assert (whole.conversation.state, whole.conversation.asker.id) == (State.COMPLETED, done.pseudonym)
    assert [message.author.id for message in whole.messages] == [done.pseudonym] * 2
    assert [run.state.value for run in whole.runs] == ["asked", "finished"]
    links = {link.account.id: link.state for link, _ in await stage.app.users.list("acme", by=SHELL)}
    assert links[AccountId(done.pseudonym)] is LinkState.ENDED
    assert (await stage.app.audit.verify(by=SHELL)).broken == ()
    newest, *_ = await stage.app.audit.list(by=SHELL)
    assert (newest.act, newest.by_name, newest.subject) == ("user.forgotten", "shell", done.pseudonym)
    runs = [row for row in await stage.app.audit.list(by=SHELL) if row.act == "run.started"]
    assert {row.by_name for row in runs} >= {done.pseudonym}


async def test_who_comes_again_is_not_linked(stage: Stage) -> None:
    """Their next mention is refused as a stranger's; what others asked for goes on."""
    await play(stage)
    await stage.app.forgetting.forget("acme", account(stage), by=SHELL)

    comment = await stage.comment("@openhands fix login.py")
    await stage.says()

    assert (await stage.outcome(comment)).reason == "not-linked"
    again = await stage.comment("@openhands fix login.py", author=stage.jira.grace)
    await stage.says()
    await stage.says()
    assert (await stage.outcome(again)).reason == "started"


@pytest.mark.stage(settings={"agents": GATED})
async def test_not_while_a_conversation_of_theirs_is_open(stage: Stage) -> None:
    """Nothing is removed then."""
    await stage.comment("@openhands fix login.py")
    await stage.says()
    await stage.until_running()
    before = naming(stage)

    with pytest.raises(Conflict, match="1 of their conversations are not over") as told:
        await stage.app.forgetting.forget("acme", account(stage), by=SHELL)

    assert "jirabot conversation stop" in told.value.hint
    assert set(before) <= set(naming(stage))
    await stage.let_go()
    await stage.says()


async def test_nobody_and_the_bot_itself_are_refused(stage: Stage) -> None:
    bot = stage.jira.bot
    with pytest.raises(NotFound, match="nothing is known of `nobody-at-all`"):
        await stage.app.forgetting.forget("acme", "nobody-at-all", by=SHELL)
    name = bot.account_id if stage.jira.deployment == "cloud" else bot.key
    with pytest.raises(InvalidInput, match="the account that jirabot itself uses"):
        await stage.app.forgetting.forget("acme", name, by=SHELL)
