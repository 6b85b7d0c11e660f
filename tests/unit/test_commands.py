"""Who is spoken to, and with which command."""

import pytest

from jirabot.core.bodies import Body, PickerMention
from jirabot.core.commands import Address, Command, Task, request_in

from .values import BOT_HERE, body

pytestmark = pytest.mark.fast

ADDRESS = BOT_HERE.address


@pytest.mark.parametrize(
    ("text", "request_"),
    [
        pytest.param("@openhands fix the login", Task(text="fix the login"), id="a mention asks for what follows"),
        pytest.param("@OpenHands fix it", Task(text="fix it"), id="any case counts"),
        pytest.param(
            "please, @openhands, fix it", Task(text="please, fix it"), id="a mention inside a sentence counts"
        ),
        pytest.param("thanks @openhands.", Task(text="thanks ."), id="a full stop behind the mention counts"),
        pytest.param("(@openhands) look", Task(text="() look"), id="brackets around the mention count"),
        pytest.param("@openhands", Task(text=""), id="a mention alone asks for the issue itself"),
        pytest.param("hello\n@openhands: do it", Task(text="hello\ndo it"), id="any line may mention"),
        pytest.param("@openhands help", Command.HELP, id="help alone is a command"),
        pytest.param("@openhands Stop!", Command.STOP, id="stop with a mark, in any case, is a command"),
        pytest.param("@openhands stop.", Command.STOP, id="stop with a full stop is a command"),
        pytest.param("@openhands stop using tabs", Task(text="stop using tabs"), id="stop with more is a task"),
        pytest.param("hey @openhands stop", Task(text="hey stop"), id="a command stands alone on its line"),
        pytest.param("write to bot@openhands.dev", None, id="an e-mail address is no mention"),
        pytest.param("see x@openhands", None, id="the end of a longer word is no mention"),
        pytest.param("@openhands-bot fix it", None, id="a longer name is no mention"),
        pytest.param("install @openhands/pkg", None, id="a package name is no mention"),
        pytest.param("look at @openhands.dev", None, id="a domain is no mention"),
        pytest.param("@openhandsome fix", None, id="a longer word is no mention"),
        pytest.param("openhands fix it", None, id="the word without @ is no mention"),
        pytest.param("https://git.example/@openhands/x", None, id="a part of an address is no mention"),
        pytest.param("", None, id="nothing asks for nothing"),
    ],
)
def test_request_in_text(text: str, request_: Command | Task | None) -> None:
    assert request_in(body(text), ADDRESS) == request_


@pytest.mark.parametrize(
    ("lines", "markdown", "request_"),
    [
        pytest.param(
            ((PickerMention("bot-id"), " fix it"),), "[~bot-id] fix it", Task(text="fix it"), id="Cloud's picker"
        ),
        pytest.param(
            ((PickerMention("OPENHANDS"), " stop"),), "[~openhands] stop", Command.STOP, id="Data Center's picker"
        ),
        pytest.param(((PickerMention("bot-id"), ", stop"),), "[~bot-id], stop", Command.STOP, id="with a comma"),
        pytest.param(((PickerMention("bot-id"), " , stop"),), "[~bot-id] , stop", Command.STOP, id="with both"),
        pytest.param(((PickerMention("bot-id"), ": help"),), "[~bot-id]: help", Command.HELP, id="with a colon"),
        pytest.param(((PickerMention("bot-id"), ","),), "[~bot-id],", Task(text=""), id="a comma alone"),
        pytest.param(
            ((PickerMention("bot-id"), ", ask ", PickerMention("ada-id")),),
            "[~bot-id], ask [~ada-id]",
            Task(text="ask [~ada-id]"),
            id="with a comma before a task",
        ),
        pytest.param(((PickerMention("somebody"), " fix it"),), "[~somebody] fix it", None, id="another account"),
        pytest.param(
            (("ask ", PickerMention("ada-id"), " and ", PickerMention("bot-id")),),
            "ask [~ada-id] and [~bot-id]",
            Task(text="ask [~ada-id] and"),
            id="the second of two mentions",
        ),
    ],
)
def test_picker_mentions(lines: tuple, markdown: str, request_: Command | Task | None) -> None:
    assert request_in(Body(raw="", markdown=markdown, lines=lines), ADDRESS) == request_


@pytest.mark.parametrize("words", [(), ("",), (" ",)], ids=["none", "an empty one", "a blank one"])
@pytest.mark.parametrize(
    ("lines", "request_"),
    [
        pytest.param((("Looks good, thanks.",),), None, id="an ordinary sentence"),
        pytest.param((("@openhands fix it",),), None, id="a word that is not set"),
        pytest.param(((PickerMention("bot-id"), " fix it"),), Task(text="fix it"), id="the account's name"),
    ],
)
def test_without_a_word_only_the_account_is_spoken_to(
    words: tuple[str, ...], lines: tuple, request_: Task | None
) -> None:
    spoken = Body(raw="", markdown="[~bot-id] fix it", lines=lines)

    assert request_in(spoken, Address(words=words, accounts=ADDRESS.accounts)) == request_


def test_what_is_not_in_the_lines_has_no_say() -> None:
    """Code and quotations are left out of the lines, so a mention in them does not count."""
    quoted = Body(raw="", markdown="> @openhands fix it\n\nno", lines=(("no",),))

    assert request_in(quoted, ADDRESS) is None
