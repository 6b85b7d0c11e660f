"""The agents' line protocol: what a line is, how a turn ended, and what is taken out of both."""

import pytest

from jirabot.agents.masking import Mask
from jirabot.agents.network import secrets_of_proxies
from jirabot.agents.protocol import (
    Lines,
    LogLine,
    Tail,
    classify,
    clean,
    ending,
    parse_line,
    render_event,
)
from jirabot.core.agents import (
    AgentEvent,
    Ending,
    Failed,
    FailureKind,
    Finished,
    Message,
    Progress,
    Question,
    Started,
    Stopped,
    Usage,
)
from jirabot.core.marks import take_off_mark

pytestmark = pytest.mark.fast


@pytest.mark.parametrize(
    ("line", "event"),
    [
        pytest.param('{"type":"started"}', Started(), id="started"),
        pytest.param('{"type":"progress","text":"reads"}', Progress(text="reads"), id="progress"),
        pytest.param('{"type":"progress","text":"x","tool":"sh"}', Progress(text="x", tool="sh"), id="tool"),
        pytest.param('{"type":"message","text":"hm"}', Message(text="hm"), id="message"),
        pytest.param('{"type":"question","text":"which?"}', Question(text="which?"), id="question"),
        pytest.param('{"type":"finished","summary":"done"}', Finished(summary="done"), id="finished"),
        pytest.param('{"type":"finished"}', Finished(summary=""), id="finished without words"),
        pytest.param('{"type":"stopped"}', Stopped(), id="stopped"),
        pytest.param('  {"type":"stopped"}\r', Stopped(), id="white space around it"),
        pytest.param(
            '{"type":"finished","summary":"done","links":[1]}', Finished(summary="done"), id="a field we do not know"
        ),
        pytest.param(
            '{"type":"usage","input_tokens":5,"output_tokens":2,"cost":0.5,"currency":"EUR"}',
            Usage(input_tokens=5, output_tokens=2, cost=0.5, currency="EUR"),
            id="usage",
        ),
        pytest.param(
            '{"type":"failed","kind":"limit","text":"50 rounds","retryable":true}',
            Failed(kind=FailureKind.LIMIT, text="50 rounds", retryable=True, explicit=True),
            id="failed with its kind",
        ),
        pytest.param(
            '{"type":"failed","text":"HTTP 401"}',
            Failed(kind=FailureKind.AUTH, text="HTTP 401", explicit=True),
            id="failed in words",
        ),
        pytest.param(
            '{"type":"failed","kind":"bored","text":"x"}',
            Failed(kind=FailureKind.CRASH, text="x", explicit=True),
            id="no such kind",
        ),
        pytest.param(
            '{"type":"finished","summary":"Ready.\\nJIRABOT: DONE"}', Finished(summary="Ready."), id="the mark goes"
        ),
        pytest.param(
            '{"type":"finished","summary":"Which one?\\n\\n**JIRABOT: QUESTION**"}',
            Question(text="Which one?"),
            id="a program that says finished while its model asks",
        ),
    ],
)
def test_a_line_of_the_vocabulary_is_that_event(line: str, event: AgentEvent) -> None:
    assert parse_line(line) == event
    assert parse_line(line.encode()) == event


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("Working on it", id="plain text"),
        pytest.param("", id="an empty line"),
        pytest.param('{"type":"assistant","text":"x"}', id="a type of another vocabulary"),
        pytest.param('{"text":"x"}', id="no type"),
        pytest.param('{"type":"progress"}', id="no text"),
        pytest.param('{"type":"progress","text":7}', id="a number for a text"),
        pytest.param('{"type":"usage","input_tokens":"7"}', id="a text for a number"),
        pytest.param('{"type":"usage","input_tokens":-1}', id="less than nothing"),
        pytest.param('{"type":"progress","text":"x"} and more', id="more than JSON"),
        pytest.param('[{"type":"progress","text":"x"}]', id="a list"),
        pytest.param('{"type":"progress","text":"x"', id="half of it"),
        pytest.param("{" * 100_000, id="too deep"),
        pytest.param('{"type":"progress","text":"\\ud800"}', id="half a character"),
    ],
)
def test_every_other_line_is_log(line: str) -> None:
    assert parse_line(line) == LogLine(text=line)


def test_bytes_that_are_no_text_are_log() -> None:
    """A line in another encoding is kept as far as it can be read."""
    assert parse_line(b"caf\xe9") == LogLine(text="caf\ufffd")


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(Started(), id="started"),
        pytest.param(Progress(text='say\n"ü"', tool="sh"), id="progress"),
        pytest.param(Question(text="which?"), id="question"),
        pytest.param(Finished(summary="done"), id="finished"),
        pytest.param(Failed(kind=FailureKind.RATE, text="later", retryable=True, explicit=True), id="failed"),
        pytest.param(Usage(input_tokens=1, cost=0.25), id="usage"),
    ],
)
def test_what_is_rendered_is_one_line_that_is_read_back(event: AgentEvent) -> None:
    line = render_event(event)
    assert "\n" not in line
    assert parse_line(line) == event


def test_long_texts_are_cut() -> None:
    """A progress line keeps 1,000 characters, a summary 30,000."""
    assert parse_line('{"type":"progress","text":"' + "x" * 5000 + '"}') == Progress(text="x" * 1000 + " […]")
    assert parse_line('{"type":"finished","summary":"' + "x" * 31_000 + '"}') == Finished(summary="x" * 30_000 + " […]")


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        pytest.param("\x1b[1;31mred\x1b[0m", "red", id="colours go"),
        pytest.param("\x1b]0;title\x07text", "text", id="window titles go"),
        pytest.param("10 %\r50 %\rdone", "done", id="of what overwrote itself the last stays"),
        pytest.param("a\r\nb\r\n", "a\nb", id="line ends are one kind"),
        pytest.param("a\x00b\tc", "ab\tc", id="control characters go, tabs stay"),
    ],
)
def test_terminal_control_is_taken_out(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


@pytest.mark.parametrize(
    ("text", "split"),
    [
        pytest.param("Done it.\n\nJIRABOT: DONE", ("Done it.", "DONE"), id="the last line"),
        pytest.param("Which?\n`JIRABOT: QUESTION`\n \n", ("Which?", "QUESTION"), id="in code, with white space after"),
        pytest.param("JIRABOT: DONE", ("", "DONE"), id="nothing else"),
        pytest.param("I end with JIRABOT: DONE", ("I end with JIRABOT: DONE", None), id="not within a line"),
        pytest.param("JIRABOT: DONE\nand more", ("JIRABOT: DONE\nand more", None), id="not above others"),
        pytest.param("JIRABOT: MAYBE", ("JIRABOT: MAYBE", None), id="no other word"),
    ],
)
def test_the_mark_is_the_last_line_alone(text: str, split: tuple[str, str | None]) -> None:
    assert take_off_mark(text) == split


@pytest.mark.parametrize(
    ("said", "output", "errors", "exit_code", "expected"),
    [
        pytest.param(Question(text="which?"), "x", "", 0, Question(text="which?"), id="what was reported decides"),
        pytest.param(Finished(summary="y"), "x", "", 3, Finished(summary="y"), id="over an exit code"),
        pytest.param(None, "all\nJIRABOT: DONE", "", 1, Finished(summary="all"), id="a mark decides over it too"),
        pytest.param(None, "how?\nJIRABOT: QUESTION", "", 0, Question(text="how?"), id="a mark asks"),
        pytest.param(None, "log", "noise", 0, Finished(summary="log", explicit=False), id="0 is finished, by silence"),
        pytest.param(
            None,
            "",
            "disk is busy",
            75,
            Failed(kind=FailureKind.BACKEND, text="exit code 75\n\ndisk is busy", retryable=True),
            id="75 asks for another attempt",
        ),
        pytest.param(
            None, "log", "", 2, Failed(kind=FailureKind.CRASH, text="exit code 2\n\nlog"), id="others are a crash"
        ),
        pytest.param(
            None,
            "log",
            "Error: 401 invalid key",
            1,
            Failed(kind=FailureKind.AUTH, text="exit code 1\n\nError: 401 invalid key"),
            id="its errors say why",
        ),
        pytest.param(None, "", "", -9, Failed(kind=FailureKind.CRASH, text="ended by signal 9"), id="a signal"),
        pytest.param(None, "", "", 137, Failed(kind=FailureKind.CRASH, text="ended by signal 9"), id="as shells say"),
    ],
)
def test_the_ending(said: Ending | None, output: str, errors: str, exit_code: int, expected: Ending) -> None:
    assert ending(said=said, output=output, errors=errors, exit_code=exit_code) == expected


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        pytest.param("API Error: 401 Unauthorized", FailureKind.AUTH, id="401"),
        pytest.param("Invalid API key · Please run /login", FailureKind.AUTH, id="key"),
        pytest.param("Error 429: Too Many Requests", FailureKind.RATE, id="429"),
        pytest.param("overloaded_error", FailureKind.RATE, id="overloaded"),
        pytest.param("context_length_exceeded", FailureKind.CONTEXT, id="context code"),
        pytest.param("This model's maximum context length is 8192 tokens", FailureKind.CONTEXT, id="context words"),
        pytest.param("503 Service Unavailable", FailureKind.BACKEND, id="503"),
        pytest.param("connect ECONNREFUSED 127.0.0.1:80", FailureKind.BACKEND, id="refused"),
        pytest.param("assertion failed at line 4012", FailureKind.CRASH, id="numbers within numbers mean nothing"),
    ],
)
def test_failures_are_told_by_their_words(words: str, kind: FailureKind) -> None:
    assert classify(words) is kind


def test_lines_come_out_whole() -> None:
    """However the pieces fall, lines are the same; the last one needs no end."""
    lines = Lines()
    assert [lines.feed(piece) for piece in (b"a", b"b\nc\n", b"\nd")] == [[], [b"ab", b"c"], [b""]]
    assert lines.rest() == [b"d"]
    assert lines.rest() == []


def test_a_line_without_end_is_cut() -> None:
    """What never ends does not fill the memory."""
    lines = Lines(most_bytes=4)
    assert lines.feed(b"abcdef") == [b"abcdef"]
    assert lines.feed(b"g\n") == [b"g"]


def test_the_tail_begins_at_a_line() -> None:
    """The last lines that fit are kept, whole."""
    tail = Tail(characters=12)
    for line in ("first", "second", "third"):
        tail.add(line)
    assert tail.text == "second\nthird"


def test_the_tail_keeps_the_end_of_a_long_line() -> None:
    """A long paragraph before a short line is cut, not lost; a message begins the tail anew."""
    tail = Tail(characters=10)
    tail.add("0123456789abcdef\nend")
    assert tail.text == "abcdef\nend"
    tail.restart("new")
    assert tail.text == "new"


def test_secrets_are_masked() -> None:
    """A secret is masked whole, line by line, and as JSON writes it; words too short to be one are not."""
    mask = Mask(["hunter2!", 'quo"ted-key', "first-line\nsecond-line", "1"])
    assert mask.text("pw hunter2! 1") == "pw *** 1"
    assert mask.text('{"key": "quo\\"ted-key"}') == '{"key": "***"}'
    assert mask.text("second-line") == "***"
    assert mask.event(Progress(text="hunter2!", tool="hunter2!")) == Progress(text="***", tool="***")
    assert mask.event(Finished(summary="is hunter2!", explicit=False)) == Finished(summary="is ***", explicit=False)


PROXY = "http://jirabot:p%40ss-word@proxy.example.com:3128"


@pytest.mark.parametrize(
    ("variable", "address", "said", "masked"),
    [
        pytest.param("HTTPS_PROXY", PROXY, f"via {PROXY}", "via ***", id="the address"),
        pytest.param("https_proxy", PROXY, "p%40ss-word", "***", id="the password, of a variable in lower case"),
        pytest.param("ALL_PROXY", PROXY, "p@ss-word", "***", id="the password as it is meant"),
        pytest.param(
            "HTTP_PROXY", PROXY, f"at {PROXY[:-5]}/", "at http://***@proxy.example.com/", id="another form of it"
        ),
        pytest.param("HTTP_PROXY", PROXY, "Basic amlyYWJvdDpwQHNzLXdvcmQ=", "Basic ***", id="as it is sent"),
        pytest.param("HTTP_PROXY", PROXY[7:], "jirabot: p%40ss-word", "jirabot: ***", id="an address without scheme"),
        pytest.param(
            "HTTP_PROXY", "http://u:p/ss@word@proxy", "it is p/ss@word", "it is ***", id="a password unquoted"
        ),
        pytest.param("HTTP_PROXY", "http://the-token@proxy", "http://the-token@proxy", "***", id="a user alone"),
        pytest.param(
            "HTTP_PROXY", "http://jirabot@proxy", "jirabot fixes it", "jirabot fixes it", id="who is no secret"
        ),
        pytest.param("HTTP_PROXY", "http://proxy:3128", "http://proxy:3128", "http://proxy:3128", id="no credentials"),
        pytest.param("NO_PROXY", "a:secret@b", "a:secret@b", "a:secret@b", id="no proxy"),
        pytest.param("HTTP_PROXY", "", "fine", "fine", id="none"),
    ],
)
def test_what_is_secret_of_a_proxy_is_masked(variable: str, address: str, said: str, masked: str) -> None:
    assert Mask(secrets_of_proxies({variable: address})).text(said) == masked
