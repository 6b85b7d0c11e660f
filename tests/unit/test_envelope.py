"""What is read of a webhook's body at the door: strict where JSON is, tolerant of what stands in it."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jirabot.errors import InvalidPayload
from jirabot.jira import envelope

pytestmark = pytest.mark.fast

SITE = "https://acme.atlassian.net"


def nested(depth: int, opening: bytes = b'{"a":', closing: bytes = b"}") -> bytes:
    """An object with lists or objects inside, *depth* levels in all."""
    return b'{"a":' + opening * (depth - 1) + b"1" + closing * (depth - 1) + b"}"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"  ", id="white space"),
        pytest.param(b"Hello World!", id="text"),
        pytest.param(b"webhookEvent=comment_created", id="a form"),
        pytest.param(b'{"a":1', id="an object without end"),
        pytest.param(b'{"a":1}{"a":2}', id="two objects"),
        pytest.param(b'{"a":1,}', id="a comma too many"),
        pytest.param(b"{'a':1}", id="single quotes"),
        pytest.param(b'{"a":1} // b', id="a comment"),
        pytest.param(b'{"a":"b\nc"}', id="a raw line end in a string"),
        pytest.param(b'{"a":"\\x41"}', id="an escape that there is not"),
        pytest.param(b'{"a":01}', id="a leading zero"),
        pytest.param(b'{"a":NaN}', id="NaN"),
        pytest.param(b'{"a":Infinity}', id="Infinity"),
        pytest.param(b'{"a":-Infinity}', id="minus Infinity"),
        pytest.param(b'{"a":1e999}', id="a number beyond all doubles"),
        pytest.param(b'{"a":-1e999}', id="a number below all doubles"),
        pytest.param(b'{"a":' + b"9" * 5000 + b"}", id="a whole number beyond all doubles"),
        pytest.param(b'{"a":NaN,"b":"\\ud800"}', id="NaN beside half a character"),
        pytest.param(b'{"a":1e999,"b":"\\ud800"}', id="1e999 beside half a character"),
        pytest.param(b'{"a":"\xff"}', id="a byte that is in no UTF-8"),
        pytest.param(b'{"a":"\xc3"}', id="UTF-8 that ends early"),
        pytest.param(b'{"a":"\xed\xa0\x80"}', id="half a character in UTF-8"),
        pytest.param('{"a":1}'.encode("utf-16"), id="UTF-16"),
        pytest.param(b"\xef\xbb\xbf\xef\xbb\xbf{}", id="two byte order marks"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b'[{"a":1}]', id="a list of objects"),
        pytest.param(b"null", id="null"),
        pytest.param(b"true", id="true"),
        pytest.param(b"5", id="a number"),
        pytest.param(b'"a"', id="a string"),
        pytest.param(nested(65), id="objects 65 deep"),
        pytest.param(nested(65, b"[", b"]"), id="lists 65 deep"),
        pytest.param(nested(1100), id="objects deeper than a parser goes"),
        pytest.param(b'{"a":' + b"[" * 1_000_000, id="a million brackets"),
        pytest.param(b'{"b":"\\ud800","a":' + b"[" * 900 + b"]" * 900 + b"}", id="900 deep beside half a character"),
    ],
)
def test_a_body_is_refused_that_is(body):
    for function in (envelope.decode, envelope.read, envelope.find_bases):
        with pytest.raises(InvalidPayload):
            function(body)


@pytest.mark.parametrize(
    ("body", "payload"),
    [
        pytest.param(b"{}", {}, id="an empty object"),
        pytest.param(b' {"a": [1, 2.5, true, null]}\r\n', {"a": [1, 2.5, True, None]}, id="white space around"),
        pytest.param(b'{"a":1,"b":2,"a":3}', {"a": 3, "b": 2}, id="of duplicate keys the last wins"),
        pytest.param(b'{"a":{"b":1,"b":2},"c":"\\ud800"}', {"a": {"b": 2}, "c": "\ufffd"}, id="inside as well"),
        pytest.param(b'\xef\xbb\xbf{"a":1}', {"a": 1}, id="a byte order mark"),
        pytest.param(b'{"a":"\\ud83d\\ude00"}', {"a": "\U0001f600"}, id="a character of two escapes"),
        pytest.param(b'{"a":"x\\ud83dy"}', {"a": "x\ufffdy"}, id="its first half alone"),
        pytest.param(b'{"a":"x\\ude00y"}', {"a": "x\ufffdy"}, id="its second half alone"),
        pytest.param(b'{"a":"\\ude00\\ud83d"}', {"a": "\ufffd\ufffd"}, id="its halves the wrong way round"),
        pytest.param(b'{"\\ud800":1}', {"\ufffd": 1}, id="half a character in a key"),
        pytest.param(b'{"a":"\\ud800","b":1.5e3}', {"a": "\ufffd", "b": 1500.0}, id="a number beside it"),
        pytest.param(b'{"a":"\\u0000"}', {"a": "\0"}, id="an escaped null character"),
        pytest.param('{"a":"Zoë → 日本"}'.encode(), {"a": "Zoë → 日本"}, id="UTF-8"),
        pytest.param(b'{"a":18446744073709551616}', {"a": 2.0**64}, id="a whole number over 64 bits is a double"),
        pytest.param(b'{"a":"' + b"{[" * 100 + b'"}', {"a": "{[" * 100}, id="brackets in a string are no depth"),
        pytest.param(b'{"a":[' + b"[]," * 100 + b"[]]}", {"a": [[]] * 101}, id="many lists side by side"),
    ],
)
def test_decode(body, payload):
    assert envelope.decode(body) == payload


@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        pytest.param(b'{"a":', b"}", id="objects"),
        pytest.param(b"[", b"]", id="lists"),
        pytest.param(b'["{[",', b"]", id="lists with brackets in strings"),
    ],
)
def test_64_levels_are_taken_and_65_are_not(opening, closing):
    assert envelope.decode(nested(64, opening, closing))
    with pytest.raises(InvalidPayload, match="64 levels"):
        envelope.decode(nested(65, opening, closing))


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), VALUES), st.booleans())
def test_a_valid_object_is_what_the_standard_library_reads(payload, is_ascii):
    body = json.dumps(payload, ensure_ascii=is_ascii).encode()

    assert envelope.decode(body) == json.loads(body)


HALVES = st.text(st.characters(categories=["Cs", "Lu", "Nd"]))


def whole(text: str) -> str:
    return "".join("\ufffd" if "\ud800" <= character <= "\udfff" else character for character in text)


@given(st.dictionaries(HALVES, HALVES, max_size=5))
def test_half_characters_are_replaced_and_nothing_else(payload):
    body = json.dumps(payload).encode()
    read = json.loads(body)  # joins the halves that belong together

    assert envelope.decode(body) == {whole(key): whole(read[key]) for key in read}


@given(st.binary() | VALUES.map(json.dumps).map(str.encode) | st.text().map(str.encode))
def test_any_bytes_are_an_object_or_invalid(body):
    try:
        payload = envelope.decode(body)
    except InvalidPayload:
        return
    assert isinstance(payload, dict)
    assert all(math.isfinite(value) for value in payload.values() if isinstance(value, float))


JIRAS_WORDS = st.sampled_from(
    ["webhookEvent", "issue", "comment", "user", "project", "worklog", "attachment", "author", "updateAuthor", "self",
     "id", "key", "fields", "timestamp", "created", "updated", "issueId"]
)  # fmt: skip


@given(
    st.dictionaries(
        JIRAS_WORDS,
        st.recursive(VALUES, lambda inner: st.dictionaries(JIRAS_WORDS, inner, max_size=5), max_leaves=12),
        max_size=8,
    )
)
def test_whatever_stands_in_an_object_it_has_an_envelope(payload):
    body = json.dumps(payload).encode()

    assert list(envelope.read(body).bases) == list(envelope.find_bases(body))


def read(payload: dict[str, Any]) -> Any:
    return envelope.read(json.dumps(payload).encode())


@pytest.mark.parametrize(
    ("payload", "kind"),
    [
        pytest.param({"webhookEvent": "comment_created"}, "comment_created", id="as it is told"),
        pytest.param({}, "", id="not told"),
        pytest.param({"webhookEvent": None}, "", id="null"),
        pytest.param({"webhookEvent": ["comment_created"]}, "", id="no text"),
    ],
)
def test_kind(payload, kind):
    assert read(payload).kind == kind


@pytest.mark.parametrize(
    ("payload", "issue_id", "issue_key"),
    [
        pytest.param({"issue": {"id": "10007", "key": "PAY-7"}}, "10007", "PAY-7", id="of the issue"),
        pytest.param({"issue": {"id": 10007, "key": "PAY-7"}}, "10007", "PAY-7", id="as a number"),
        pytest.param({"issue": {"id": "10007"}}, "10007", None, id="without key"),
        pytest.param(
            {"comment": {"self": "https://jira.example/jira/rest/api/2/issue/10007/comment/20001"}},
            "10007",
            None,
            id="of a comment without issue",
        ),
        pytest.param(
            {
                "issue": {"id": "10007", "key": "PAY-7"},
                "comment": {"self": "https://jira.example/rest/api/2/issue/66/comment/20001"},
            },
            "10007",
            "PAY-7",
            id="of the issue rather than of the comment",
        ),
        pytest.param({"worklog": {"issueId": "10007"}}, "10007", None, id="of a worklog"),
        pytest.param({"issue": {"id": "../myself", "key": "PAY-7"}}, None, None, id="no number is no id"),
        pytest.param({"issue": {"key": "PAY-7"}}, None, None, id="a key alone is no id"),
        pytest.param({"issue": "PAY-7"}, None, None, id="an issue that is no object"),
        pytest.param({"user": {"name": "ada"}}, None, None, id="of none"),
    ],
)
def test_issue(payload, issue_id, issue_key):
    found = read(payload)

    assert (found.issue_id, found.issue_key) == (issue_id, issue_key)


def at(path: str) -> dict[str, Any]:
    """A payload with one `self`, at that path."""
    value: dict[str, Any] = {"self": f"{SITE}/rest/api/2/x"}
    for name in reversed(path.split(".")):
        value = {name: value}
    return value


@pytest.mark.parametrize(
    "path",
    [
        "issue",
        "comment",
        "user",
        "project",
        "comment.author",
        "comment.updateAuthor",
        "issue.fields.project",
        "worklog",
        "worklog.author",
        "worklog.updateAuthor",
        "attachment",
        "attachment.author",
    ],
)
def test_a_self_is_read_of(path):
    assert read(at(path)).bases == (SITE,)


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("issue.fields.customfield_10001", id="a custom field"),
        pytest.param("issue.fields.issuetype", id="an issue type"),
        pytest.param("changelog", id="the changelog"),
    ],
)
def test_no_self_is_read_of(path):
    """Only what DESIGN.md names binds a delivery to its Jira: apps may write anything into the rest."""
    assert read(at(path)).bases == ()


@pytest.mark.parametrize(
    ("self", "found"),
    [
        pytest.param("https://jira.example/jira/rest/api/2/issue/1", "https://jira.example/jira", id="context path"),
        pytest.param("http://localhost:2990/rest/api/2/issue/1", "http://localhost:2990", id="port"),
        pytest.param("HTTPS://JIRA.example:443/rest/api/2/issue/1", "https://jira.example", id="normal form"),
        pytest.param("https://acme.atlassian.net/rest/api/2/10007", SITE, id="Cloud's address without /issue/"),
        pytest.param("http://jira.example:9999/rest/api/2/issue/1", "http://jira.example:9999", id="another port"),
        pytest.param("https://evil.example", "https://evil.example", id="no /rest/: the whole of it"),
    ],
)
def test_base(self, found):
    assert read({"issue": {"self": self}}).bases == (found,)


@pytest.mark.parametrize("self", ["", None, 5, [], {}])
def test_no_self_is_no_base(self):
    assert read({"issue": {"self": self}}).bases == ()


def test_each_base_is_told_once():
    payload = {
        "issue": {"self": f"{SITE}/rest/api/2/10007", "fields": {"project": {"self": f"{SITE}/rest/api/2/project/1"}}},
        "comment": {
            "self": f"{SITE}:443/rest/api/2/issue/10007/comment/20001",
            "author": {"self": "https://other.atlassian.net/rest/api/2/user?accountId=5"},
        },
    }

    assert read(payload).bases == (SITE, "https://other.atlassian.net")


@pytest.mark.parametrize(
    ("payload", "has_time"),
    [
        pytest.param({"timestamp": 1706692865788}, True, id="the payload's"),
        pytest.param({"timestamp": "1706692865788"}, True, id="the payload's, as text"),
        pytest.param({"comment": {"created": "2026-01-31T12:00:00.000+0000"}}, True, id="a comment's making"),
        pytest.param({"comment": {"updated": "2026-01-31T12:00:00.000+0000"}}, True, id="a comment's change"),
        pytest.param({"worklog": {"updated": "2026-01-31T12:00:00.000+0000"}}, True, id="a worklog's change"),
        pytest.param({"issue": {"fields": {"updated": "2026-01-31T12:00:00.000+0000"}}}, True, id="an issue's change"),
        pytest.param(
            {"issue": {"fields": {"created": "2026-01-31T12:00:00.000+0000"}}}, False, id="none of an issue's making"
        ),
        pytest.param({"webhookEvent": "automation", "issue": {"key": "PAY-7"}}, False, id="none of a rule's template"),
        pytest.param({"timestamp": None, "comment": {"created": ""}}, False, id="none where they are empty"),
        pytest.param({"user": {"created": "2026-01-31T12:00:00.000+0000"}}, False, id="none of a person"),
    ],
)
def test_time_stamp(payload, has_time):
    assert read(payload).has_time is has_time


@pytest.mark.parametrize(
    ("told", "timestamp"),
    [
        pytest.param(1706692865788, 1706692865788, id="milliseconds"),
        pytest.param(2**47 - 1, 2**47 - 1, id="the last that could be"),
        pytest.param(2**47, 0, id="none that could not be"),
        pytest.param(10**30, 0, id="none that is no date at all"),
        pytest.param(-1, 0, id="none before 1970"),
        pytest.param("1706692865788", 0, id="none that is text"),
        pytest.param(1706692865788.5, 0, id="none that is no whole number"),
        pytest.param(True, 0, id="none that is no number"),
        pytest.param([1706692865788], 0, id="none that is a list"),
        pytest.param(None, 0, id="none"),
    ],
)
def test_timestamp(told, timestamp):
    assert read({"timestamp": told}).timestamp == timestamp


def test_nothing_but_addresses_is_read_of_what_has_not_proved_itself():
    body = json.dumps({"webhookEvent": "comment_created", **at("comment.author")}).encode()

    assert list(envelope.find_bases(body)) == [SITE]


@pytest.mark.parametrize(("count", "is_found"), [(900_000, True), (1_000_000, False)], ids=["small", "large"])
def test_the_lenient_parser_is_slow_and_reads_no_large_body_that_has_not_proved_itself(count, is_found):
    body = json.dumps({"a": "\ud800", "b": "x" * count, **at("issue")}).encode()

    assert envelope.read(body).bases == (SITE,)
    if is_found:
        assert list(envelope.find_bases(body)) == [SITE]
    else:
        with pytest.raises(InvalidPayload, match="no JSON"):
            envelope.find_bases(body)


def test_a_body_of_values_alone_is_refused_before_it_is_decoded():
    body = b'{"a":"\\ud800","b":[' + b"0," * 1_000_000 + b"0]}"
    with pytest.raises(InvalidPayload, match="more than 1,000,000 commas"):
        envelope.decode(body)


def test_a_body_of_brackets_alone_is_refused_before_it_is_decoded():
    with pytest.raises(InvalidPayload, match="more than 500,000 objects and lists"):
        envelope.decode(b'{"a":[' + b"[]," * 500_000 + b"0]}")
