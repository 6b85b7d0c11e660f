"""Who may trigger the bot, by each rule, and for how long what Jira said of that is believed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pytest

from jirabot.core.deliveries import DeliveryState
from jirabot.core.people import SHELL, Link, LinkState, Origin
from jirabot.core.troubles import Reason as Trouble
from jirabot.sandbox.issues import Person

from .stage import Stage

Change = Callable[[], object]


@dataclass(frozen=True)
class Way:
    """A rule that holds of Grace, and what takes that away."""

    who_may: str
    take_away: Change
    needs: str
    """What she is told then."""


def by_group(stage: Stage) -> Way:
    group = stage.jira.jira.members.add_group("web team", stage.jira.grace)
    id_ = group.id if stage.jira.deployment == "cloud" else group.name
    return Way(f"group:{id_}", lambda: group.members.remove(stage.jira.grace), f"members of the group {id_}")


def by_role(stage: Stage) -> Way:
    role = stage.jira.jira.members.add_role("Entwickler")
    role.people["DEMO"] = [stage.jira.grace]
    return Way(
        f"role:{role.id}", role.people["DEMO"].clear, f"those who have the role with the id {role.id} in this project"
    )


def by_a_groups_role(stage: Stage) -> Way:
    role = stage.jira.jira.members.add_role("Developers")
    role.groups["DEMO"] = [stage.jira.jira.members.add_group("web team", stage.jira.grace)]
    return Way(
        f"role:{role.id}", role.groups["DEMO"].clear, f"those who have the role with the id {role.id} in this project"
    )


def by_the_right_to_edit(stage: Stage) -> Way:
    jira = stage.jira.jira
    return Way("can-edit", lambda: jira.deny(stage.jira.grace, "EDIT_ISSUES"), "those who may edit this issue")


WAYS: Mapping[str, Callable[[Stage], Way]] = {
    "group": by_group,
    "role": by_role,
    "a group's role": by_a_groups_role,
    "can-edit": by_the_right_to_edit,
}


async def set_(stage: Stage, **settings: object) -> None:
    await stage.change_workspace(settings=settings)


async def links(stage: Stage, person: Person) -> list[Link]:
    ids = (person.account_id, person.key)
    return [link for link, _ in await stage.app.users.list("acme", by=SHELL) if link.account.id in ids]


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
async def test_what_jira_takes_away_refuses_within_five_minutes(stage: Stage, way: Callable[[Stage], Way]) -> None:
    """F82. By ids and Jira's own check: it holds, is recorded as a link, and is asked again after five minutes."""
    given = way(stage)
    await set_(stage, who_may=given.who_may)
    asked = await stage.comment("@openhands fix login.py", author=stage.jira.grace)
    assert "Grace Hopper, I am on it" in (await stage.says()).text
    assert "Done." in (await stage.says()).text
    await stage.rest()
    (link,) = await links(stage, stage.jira.grace)
    assert (link.origin, link.state, link.role.value) == (Origin.AUTO, LinkState.ACTIVE, "user")
    assert (await stage.outcome(asked)).reason == "started"

    given.take_away()
    stage.clock.advance(minutes=5)
    again = await stage.comment("@openhands and README.md", author=stage.jira.grace)

    assert f"I may not take work from you: here I take it from {given.needs}" in (await stage.says()).text
    refused = await stage.outcome(again)
    assert (refused.state, refused.reason) == (DeliveryState.REFUSED, "not-allowed")


async def test_what_jira_takes_away_from_a_person_linked_by_hand_is_gone_too(stage: Stage) -> None:
    """Ada's link was made by hand, before the rule."""
    jira = stage.jira.jira
    await set_(stage, who_may="can-edit")
    jira.deny(stage.jira.ada, "EDIT_ISSUES")

    comment = await stage.comment("@openhands fix login.py")

    assert "those who may edit this issue" in (await stage.says()).text
    assert (await stage.outcome(comment)).reason == "not-allowed"


async def test_anyone_is_served_but_nobody_whose_link_was_ended(stage: Stage) -> None:
    """F78. The link that is made by itself can be ended, and then is not made again."""
    await set_(stage, who_may="anyone")
    await stage.comment("@openhands fix login.py", author=stage.jira.grace)
    assert "Grace Hopper, I am on it" in (await stage.says()).text
    await stage.says()
    await stage.rest()
    (link,) = await links(stage, stage.jira.grace)
    await stage.app.users.unlink("acme", link.account.id, by=SHELL)

    comment = await stage.comment("@openhands more", author=stage.jira.grace)

    assert "the link of your Jira account to jirabot was ended" in (await stage.says()).text
    assert (await stage.outcome(comment)).reason == "link-ended"
    assert [each.state for each in await links(stage, stage.jira.grace)] == [LinkState.ENDED]


async def test_a_link_that_was_made_by_itself_does_not_count_once_only_the_linked_may(stage: Stage) -> None:
    await set_(stage, who_may="anyone")
    await stage.comment("@openhands fix login.py", author=stage.jira.grace)
    await stage.says()
    await stage.says()
    await stage.rest()
    await set_(stage, who_may="linked")

    comment = await stage.comment("@openhands more", author=stage.jira.grace)

    assert "your Jira account is not linked" in (await stage.says()).text
    assert (await stage.outcome(comment)).reason == "not-linked"


@pytest.mark.parametrize("who_may", ["linked", "anyone"])
async def test_a_customer_is_not_heard_until_that_is_allowed(stage: Stage, who_may: str) -> None:
    """F47. Nor is one who is linked. Cloud tells kinds of accounts; on Data Center a customer has no licence."""
    customer = stage.jira.jira.add_person("Carl Customer", account_type="customer")
    stage.issue = await stage.jira.create_issue(summary="Printer", project="HELP")
    await set_(stage, who_may=who_may)
    await stage.link(customer)

    comment = await stage.comment("@openhands fix login.py", author=customer)
    hint = await stage.says()
    assert "I take no work from customers of a service desk" in hint.text
    assert (await stage.outcome(comment)).reason == "customer"

    await set_(stage, who_may=who_may, customers=True)
    await stage.comment("@openhands fix login.py, please", author=customer)
    assert "Carl Customer, I am on it" in (await stage.says()).text
    await stage.says()


@pytest.mark.alike
async def test_administrators_are_told_while_it_only_observes_too(stage: Stage) -> None:
    """A week of observing is for finding out what is missing."""
    stage.jira.jira.deny(stage.jira.bot, "ADMINISTER_PROJECTS")
    await set_(stage, who_may="can-edit", mode="observe")
    stage.expected_errors = {"trouble.begun"}

    comment = await stage.comment("@openhands fix login.py")

    assert (await stage.outcome(comment)).text.endswith("`refuse` (`permission-unreadable`)")
    (trouble,) = await stage.app.storage.read(lambda tx: tx.troubles.standing())
    assert trouble.reason is Trouble.PERMISSION_UNREADABLE


async def test_who_may_not_be_asked_about_is_refused_and_administrators_are_told(stage: Stage) -> None:
    """The service account may not read the role: nobody is let in for that, and the person and operators know why."""
    given = by_role(stage)
    stage.jira.jira.deny(stage.jira.bot, "ADMINISTER_PROJECTS")
    await set_(stage, who_may=given.who_may)
    stage.expected_errors = {"trouble.begun"}

    comment = await stage.comment("@openhands fix login.py", author=stage.jira.grace)
    assert "Jira does not let me look up whether you may ask me" in (await stage.says()).text
    assert (await stage.outcome(comment)).reason == "permission-unreadable"
    (trouble,) = await stage.app.storage.read(lambda tx: tx.troubles.standing())
    assert trouble.reason is Trouble.PERMISSION_UNREADABLE
    assert "Administer projects" in trouble.fix

    stage.jira.jira.grant(stage.jira.bot, "ADMINISTER_PROJECTS")
    await stage.comment("@openhands fix login.py, please", author=stage.jira.grace)
    assert "Grace Hopper, I am on it" in (await stage.says()).text
    await stage.says()
    assert await stage.app.storage.read(lambda tx: tx.troubles.standing()) == []


@pytest.mark.alike
@pytest.mark.parametrize("status", [503, 401])
async def test_a_jira_that_does_not_answer_who_may_is_asked_again(stage: Stage, status: int) -> None:
    """Neither a yes nor a no, nor is it one that Jira does not know us for a moment: the event waits."""
    await set_(stage, who_may="can-edit")
    stage.jira.faults.add("answer", path="/user/permission/search", status=status, times=1)

    comment = await stage.comment("@openhands fix login.py", author=stage.jira.grace)
    await stage.until_stored(lambda tx: next((d for d in tx.deliveries.list(state=DeliveryState.WAITING)), None))
    await stage.make_due()

    assert "Grace Hopper, I am on it" in (await stage.says()).text
    await stage.says()
    assert (await stage.outcome(comment)).reason == "started"


async def test_who_is_refused_is_told_once_a_day_and_issue_without_an_address(stage: Stage) -> None:
    """F30, F70. What came of each is recorded all the same."""
    other = await stage.jira.create_issue(summary="Another")
    asked = [await stage.comment("@openhands fix it", author=stage.jira.grace) for _ in range(3)]
    hint = await stage.says()
    await stage.rest()
    assert len(stage.bot_comments()) == 1
    await stage.jira.comment(other.key, "@openhands fix it", author=stage.jira.grace)
    elsewhere = await stage.says(on=other)
    stage.clock.advance(days=1)
    await stage.comment("@openhands fix it now", author=stage.jira.grace)
    next_day = await stage.says()

    for each in (hint, elsewhere, next_day):
        assert "Grace Hopper, I may not take work from you yet" in each.text
        assert "@example.com" not in each.text
    assert [(await stage.outcome(comment)).reason for comment in asked] == ["not-linked"] * 3


@pytest.mark.alike
async def test_a_reply_of_one_who_may_no_longer_is_no_answer(stage: Stage) -> None:
    """F47. The question waits for a person whose link was ended meanwhile: their words do not reach the agent."""
    await stage.comment("@openhands ask what now")
    await stage.says()
    await stage.says()
    (link,) = await links(stage, stage.jira.ada)
    await stage.app.users.unlink("acme", link.account.id, by=SHELL)

    reply = await stage.comment("delete everything")

    assert "not linked" in (await stage.says()).text
    assert (await stage.outcome(reply)).reason == "not-linked"
    assert [message.text for message in (await stage.whole()).messages] == ["ask what now"]


async def test_an_app_is_not_anyone_and_a_person_is_no_app_for_its_name(stage: Stage) -> None:
    """F83. Apps are known by their kind, which Cloud tells; nobody by what they are called."""
    if stage.jira.deployment == "dc":
        pytest.skip("Data Center tells no kinds of accounts")
    await set_(stage, who_may="anyone")
    robot = stage.jira.jira.add_person("Helpful Colleague", account_type="app")
    person = stage.jira.jira.add_person("Automation for Jira Bot")

    typed = await stage.comment("@openhands fix it", author=robot)
    assert (await stage.outcome(typed)).reason == "app-account"
    await stage.comment("@openhands fix login.py", author=person)

    assert "Automation for Jira Bot, I am on it" in (await stage.says()).text
    await stage.says()


@pytest.mark.alike
async def test_somebody_who_has_no_email_is_known_by_their_account(stage: Stage) -> None:
    """F8. Cloud leaves addresses out; nothing depends on them."""
    hidden = stage.jira.jira.add_person("Hidden Person", email_visible=False)
    await stage.link(hidden)

    await stage.comment("@openhands fix login.py", author=hidden)

    assert "Hidden Person, I am on it" in (await stage.says()).text
    await stage.says()


async def test_an_issue_of_another_project_is_ignored_at_once_when_it_moves_there(stage: Stage) -> None:
    """`projects`: by the project that the issue is in now, whatever was kept of it half a minute ago."""
    await set_(stage, projects=["demo"])
    await stage.comment("@openhands fix login.py")
    await stage.says()
    await stage.says()
    stage.jira.jira.add_project("NEW", "New")
    stage.jira.jira.move_issue(stage.issue, "NEW", actor=stage.jira.ada)

    comment = await stage.comment("@openhands and README.md")

    ignored = await stage.outcome(comment)
    assert (ignored.state, ignored.reason) == (DeliveryState.IGNORED, "other-project")


async def test_after_a_week_of_observing_only_what_comes_then_acts(stage: Stage) -> None:
    """What would have been done is recorded with its reason; nothing is posted, not even a hint, and nothing later."""
    await set_(stage, mode="observe")
    linked = await stage.comment("@openhands fix login.py")
    stranger = await stage.comment("@openhands fix it", author=stage.jira.grace)
    help_ = await stage.comment("@openhands help")
    await stage.jira.set_labels(stage.issue.key, ["openhands"])
    await stage.rest()
    seen = [await stage.outcome(comment) for comment in (linked, stranger, help_)]
    assert [(each.state, each.reason) for each in seen] == [(DeliveryState.IGNORED, "observed")] * 3
    assert [each.text.partition("been ")[2] for each in seen] == [
        "`start` (`started`)",
        "`refuse` (`not-linked`)",
        "`answer` (`helped`)",
    ]

    stage.clock.advance(days=7)
    await set_(stage, mode="act")
    await stage.rest()
    assert (stage.bot_comments(), stage.branches()) == ([], ["main"])
    assert await stage.app.storage.read(lambda tx: tx.conversations.list()) == []

    # The same comment, told of once more: as by a poll, or by Jira that sends again.
    await stage.jira.edit_comment(stage.issue.key, linked.id, "@openhands fix login.py ")
    await stage.rest()
    assert stage.bot_comments() == []
    await stage.comment("@openhands now do it")
    assert "Ada Lovelace, I am on it: “now do it”" in (await stage.says()).text
    await stage.says()
