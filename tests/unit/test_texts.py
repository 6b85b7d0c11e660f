"""Every sentence is there, with the parameters that the code gives it."""

from importlib import resources
from pathlib import Path

import pytest

from jirabot.core.agents import FailureKind
from jirabot.core.decisions import Reason
from jirabot.core.events import Lack
from jirabot.core.given_up import Cause
from jirabot.core.texts import escape, load

pytestmark = pytest.mark.fast

TEXTS = load()
DECISION_FACTS = {"name", "label", "agent"}
OTHER_FACTS = {
    "reason.incomplete": {"kind", "lack"},
    "reason.host-mismatch": {"bases", "base_url"},
    "reason.switched-off": {"deployment"},
    "reason.invalid-payload": {"attempts", "cause"},
    "reason.given-up": {"attempts", "cause"},
    "reason.try-again": {"due_at", "cause"},
    "reason.observed": {"would", "why"},
    "reason.gap": {"id", "since", "until"},
    "reason.caught-up": {"count", "since", "until"},
    "reason.discarded": {"name", "state"},
}


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_a_sentence_that_can_be_said(reason: Reason) -> None:
    id_ = f"reason.{reason.value}"

    assert TEXTS.parameters()[id_] <= OTHER_FACTS.get(id_, DECISION_FACTS)


@pytest.mark.parametrize("kind", [*(kind.value for kind in FailureKind), "git", "jira", "internal"])
def test_every_failure_has_a_cause_and_an_advice(kind: str) -> None:
    parameters = TEXTS.parameters()

    assert parameters[f"failure.{kind}"] <= {"cause"}
    assert parameters[f"advice.{kind}"] <= {"hint", "conversation"}


@pytest.mark.parametrize("lack", list(Lack))
def test_whatever_an_event_may_lack_has_its_words(lack: Lack) -> None:
    assert TEXTS.parameters()[f"lack.{lack.value}"] == set()


@pytest.mark.parametrize("cause", list(Cause))
def test_every_cause_of_giving_up_has_a_sentence_that_tells_nothing_more(cause: Cause) -> None:
    assert TEXTS.parameters()[f"given-up.{cause.value}"] == set()


@pytest.mark.parametrize("id_", sorted(id_ for id_, names in TEXTS.parameters().items() if names))
def test_a_sentence_without_its_parameters_can_not_be_said(id_: str) -> None:
    """F10: nothing is left out of it in silence."""
    with pytest.raises(KeyError):
        TEXTS.say(id_)


def test_no_sentence_is_left_over() -> None:
    """Whatever stands in the table is said somewhere."""
    code = "".join(path.read_text() for path in Path(str(resources.files("jirabot.core"))).rglob("*.py"))
    said = [id_ for id_ in TEXTS.parameters() if id_.startswith(("comment.", "step.")) and "step.found-" not in id_]

    assert [id_ for id_ in said if id_ not in code and f'"{id_.partition(".")[2]}"' not in code] == []


def test_what_people_wrote_can_not_become_markup() -> None:
    assert escape("*a* [b](c) `d`\n<e>") == r"\*a\* \[b\](c) \`d\` \<e\>"
