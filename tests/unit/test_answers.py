"""What an answer of Jira means: its JSON, or the one error that says whether it happened and what to do."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jirabot.core.issues import LimitsSeen
from jirabot.errors import JirabotError, JiraBroken, JiraGone, JiraRefused, JiraRejected, RateLimited
from jirabot.jira.answers import LONGEST_RETRY_AFTER_SECONDS, Answer, limits_seen, read

pytestmark = pytest.mark.fast

NOW = datetime(2026, 10, 21, 7, 28, 0, tzinfo=UTC)
DAY = 24 * 3600.0


NESTED: Any = json.loads('{"a":' * 199 + "[]" + "}" * 199)


def answer(status: int, body: Any = b"", **headers: str) -> Answer:
    given = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status=status, headers={name.replace("_", "-"): headers[name] for name in headers}, body=given)


def error_of(given: Answer) -> JirabotError:
    with pytest.raises(JirabotError) as caught:
        read(given, now=NOW)
    return caught.value


@pytest.mark.parametrize(
    ("given", "value"),
    [
        pytest.param(answer(200, {"id": "1"}), {"id": "1"}, id="an object"),
        pytest.param(answer(201, [1]), [1], id="a list"),
        pytest.param(answer(200, b"\xef\xbb\xbf{}"), {}, id="behind a byte order mark"),
        pytest.param(answer(200, b'{"body":"x\\ud83d"}'), {"body": "x\ufffd"}, id="with half a character"),
        pytest.param(answer(200, b'{"a":' * 199 + b"[]" + b"}" * 199), NESTED, id="on as many levels as may be"),
        pytest.param(answer(200, [[]] * 300), [[]] * 300, id="with many lists side by side"),
        pytest.param(answer(204), None, id="nothing"),
        pytest.param(answer(200, b" \r\n"), None, id="white space"),
    ],
)
def test_a_good_answer_is_its_json(given, value):
    assert read(given, now=NOW) == value


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (300, JiraBroken),
        (301, JiraBroken),
        (302, JiraBroken),
        (304, JiraBroken),
        (307, JiraBroken),
        (400, JiraRejected),
        (401, JiraRefused),
        (403, JiraRefused),
        (404, JiraGone),
        (405, JiraRejected),
        (408, JiraBroken),
        (409, JiraRejected),
        (410, JiraGone),
        (413, JiraRejected),
        (415, JiraRejected),
        (422, JiraRejected),
        (425, JiraBroken),
        (429, RateLimited),
        (499, JiraRejected),
        (500, JiraBroken),
        (501, JiraBroken),
        (502, JiraBroken),
        (503, JiraBroken),
        (504, JiraBroken),
        (599, JiraBroken),
    ],
)
def test_status(status, error):
    assert type(error_of(answer(status))) is error


@pytest.mark.parametrize("status", [400, 404, 410, 413])
def test_a_rejection_knows_its_status(status):
    error = error_of(answer(status))

    assert isinstance(error, JiraRejected)
    assert error.status == status


@pytest.mark.parametrize("body", [b"<html>Log in</html>", b'{"id":', b'{"id":NaN}', b"\xff"])
def test_a_good_answer_that_is_no_json_is_not_jiras(body):
    error = error_of(answer(200, body))

    assert isinstance(error, JiraBroken)
    assert error.message == "what answered 200 is not Jira: the body is no JSON"
    assert "login page" in error.hint


@pytest.mark.parametrize("body", [b'{"a":' * 201 + b"1" + b"}" * 201, b"[" * 300 + b"]" * 300])
def test_an_answer_too_deep_to_be_written_again_is_refused(body):
    assert error_of(answer(200, body)).message == "what answered 200 is nested more than 200 levels deep"


@pytest.mark.parametrize(
    ("given", "part"),
    [
        pytest.param(answer(401), "token is wrong, expired or of another site", id="401"),
        pytest.param(answer(403), "the rights it lacks", id="403"),
        pytest.param(
            answer(403, {"message": "Basic Authentication has been disabled on this instance."}),
            "personal access token",
            id="Basic switched off",
        ),
        pytest.param(
            answer(401, x_authentication_denied_reason="CAPTCHA_CHALLENGE; login-url=https://jira.example/login.jsp"),
            "in a browser",
            id="a CAPTCHA at 401",
        ),
        pytest.param(
            answer(403, **{"X-Authentication-Denied-Reason": "CAPTCHA_CHALLENGE"}),
            "in a browser",
            id="a CAPTCHA at 403",
        ),
        pytest.param(
            answer(401, {"message": "Client must be authenticated to access this resource."}),
            "--auth scoped-token",
            id="a scoped token at the site's own host",
        ),
        pytest.param(
            answer(401, {"code": 401, "message": "Unauthorized; scope does not match"}),
            "lacks a scope",
            id="a scope that is missing",
        ),
        pytest.param(answer(401, x_ausername="anonymous"), "nobody's", id="anonymous on Data Center"),
        pytest.param(answer(403, x_seraph_loginreason="AUTHENTICATED_FAILED"), "nobody's", id="Seraph: not known"),
        pytest.param(answer(403, x_seraph_loginreason="AUTHENTICATION_DENIED"), "in a browser", id="Seraph: CAPTCHA"),
        pytest.param(answer(403, x_seraph_loginreason="AUTHORISATION_FAILED"), "may not sign in", id="Seraph: rights"),
        pytest.param(answer(403, x_ausername="bot", x_seraph_loginreason="OK"), "the rights it lacks", id="Seraph: OK"),
        pytest.param(answer(403, {"errorMessages": ["XSRF check failed"]}), "X-Atlassian-Token", id="XSRF"),
        pytest.param(answer(413), "in a new issue", id="413"),
        pytest.param(
            answer(410, {"errorMessages": ["The requested API has been removed. ... CHANGE-2046"]}),
            "search/jql",
            id="the old search",
        ),
        pytest.param(answer(404), "may not see it", id="404"),
        pytest.param(answer(302, Location="https://elsewhere.example/"), "scheme, host and context path", id="302"),
    ],
)
def test_the_hint_says_what_to_do_about(given, part):
    assert part in error_of(given).hint


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param(b"", "Jira does not take it (400)", id="nothing"),
        pytest.param(b"<html></html>", "Jira does not take it (400)", id="no JSON"),
        pytest.param([], "Jira does not take it (400)", id="no object"),
        pytest.param({"errorMessages": None, "errors": None}, "Jira does not take it (400)", id="nulls"),
        pytest.param(
            {"errorMessages": ["INVALID_INPUT"], "errors": {}},
            "Jira does not take it (400): INVALID_INPUT",
            id="messages",
        ),
        pytest.param(
            {"errorMessages": [], "errors": {"comment": "The entered text is too long."}},
            "Jira does not take it (400): The entered text is too long",
            id="errors by field, without the full stop",
        ),
        pytest.param(
            {"errorMessages": ["One."], "errors": {"a": "Two"}, "message": "Three"},
            "Jira does not take it (400): One. Two",
            id="both, and then no more",
        ),
        pytest.param({"message": "Three"}, "Jira does not take it (400): Three", id="a message alone"),
        pytest.param({"message": {"a": 1}}, "Jira does not take it (400)", id="a message that is no text"),
        pytest.param({"errorMessages": [5]}, "Jira does not take it (400): 5", id="a message that is a number"),
        pytest.param(
            {"errorMessages": ["x" * 5000]},
            "Jira does not take it (400): " + "x" * 300,
            id="300 characters of a long one",
        ),
    ],
)
def test_what_jira_says_is_told(body, message):
    assert error_of(answer(400, body)).message == message


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (401, "Jira refuses the service account (401): why"),
        (404, "Jira says that it is not there (404): why"),
        (408, "Jira did not get to it (408): why"),
        (429, "Jira asks to wait 30 s: why"),
        (502, "Jira fails (502): why"),
    ],
)
def test_what_jira_says_is_told_at_every_status(given, message):
    assert error_of(answer(given, {"errorMessages": ["why"]})).message == message


def waited(header: str | None) -> float:
    error = error_of(answer(429, **({} if header is None else {"Retry-After": header})))
    assert isinstance(error, RateLimited)
    return error.retry_after_seconds


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        pytest.param("7", 7.0, id="seconds"),
        pytest.param(" 120 ", 120.0, id="seconds in blanks"),
        pytest.param("0", 0.0, id="none"),
        pytest.param("7200", 7200.0, id="more than an hour"),
        pytest.param("Wed, 21 Oct 2026 07:30:00 GMT", 120.0, id="a date"),
        pytest.param("Wed, 21 Oct 2026 09:30:00 +0200", 120.0, id="a date with an offset"),
        pytest.param("Wed, 21 Oct 2026 07:30:00 -0000", 120.0, id="a date of no known zone is UTC"),
        pytest.param("Wed, 21 Oct 2026 07:00:00 GMT", 0.0, id="a date that is past"),
        pytest.param(None, 30.0, id="not told"),
        pytest.param("", 30.0, id="empty"),
        pytest.param("soon", 30.0, id="a word"),
        pytest.param("1.5", 30.0, id="a fraction, which it can't be"),
        pytest.param("-5", 30.0, id="a negative number, which it can't be"),
        pytest.param("\u0667", 30.0, id="digits that are not ASCII"),
        pytest.param("Wed, 21 Oct 2026 25:00:00 GMT", 30.0, id="an hour that there is not"),
        pytest.param("Wed, 21 Oct 2026 07:28:00 +99999999999999999", 30.0, id="an offset that there is not"),
        pytest.param("9" * 400, 31 * DAY, id="more seconds than there are, cut to a month"),
        pytest.param("Fri, 31 Dec 9999 23:59:59 GMT", 31 * DAY, id="a date at the end of time, cut to a month"),
    ],
)
def test_retry_after(header, seconds):
    assert waited(header) == seconds


def test_the_names_of_headers_are_in_any_case():
    error = error_of(answer(429, **{"rETRY-aFTER": "7"}))

    assert isinstance(error, RateLimited)
    assert error.retry_after_seconds == 7.0


@pytest.mark.parametrize(
    ("headers", "seconds"), [({"Retry-After": "7"}, 7.0), ({"Retry-After": "soon"}, 0.0), ({}, 0.0)]
)
def test_a_jira_that_fails_may_say_for_how_long(headers, seconds):
    error = error_of(answer(503, **headers))

    assert isinstance(error, JiraBroken)
    assert error.retry_after_seconds == seconds


DATES = st.builds(
    "{}, {} {} {} {}:{}:{} {}".format,
    st.sampled_from(["Wed", "Xyz", ""]),
    st.integers(0, 40),
    st.sampled_from(["Oct", "Feb", "x"]),
    st.integers(0, 99999),
    *[st.integers(0, 99)] * 3,
    st.sampled_from(["GMT", "-0000", "+9999", "+99999999999999999999", "EST", ""]),
)


@given(st.text() | DATES | st.integers().map(str))
def test_any_retry_after_is_a_time_within_a_month(header):
    assert 0.0 <= waited(header) <= 31 * DAY


@given(st.integers(100, 599), st.binary() | st.builds(lambda v: json.dumps(v).encode(), st.from_type(dict[str, str])))
def test_any_answer_is_a_value_or_an_error_of_ours(status, body):
    try:
        read(answer(status, body), now=NOW)
    except JirabotError:
        return
    assert 200 <= status < 300


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        pytest.param({"x_ratelimit_reset": "2026-10-21T07:30Z"}, 120, id="when Cloud counts anew"),
        pytest.param({"x_ratelimit_reset": "2026-10-21T07:00Z"}, 0, id="it has"),
        pytest.param({"x_ratelimit_interval_seconds": "60", "x_ratelimit_fillrate": "5"}, 60, id="Data Center"),
        pytest.param({"retry_after": "7", "x_ratelimit_reset": "2026-10-21T07:30Z"}, 7, id="Retry-After before it"),
        pytest.param({"x_ratelimit_reset": "soon"}, 30, id="no time"),
        pytest.param({"x_ratelimit_interval_seconds": "9" * 400}, LONGEST_RETRY_AFTER_SECONDS, id="no such number"),
    ],
)
def test_a_429_without_retry_after_may_say_it_otherwise(headers, seconds):
    error = error_of(answer(429, **headers))

    assert isinstance(error, RateLimited)
    assert error.retry_after_seconds == seconds


@pytest.mark.parametrize("reason", ["jira-burst-based", "jira-per-issue-on-write", ""])
def test_a_429_says_which_limit_it_was(reason):
    headers = {"RateLimit-Reason": reason} if reason else {}
    error = error_of(answer(429, **headers))

    assert isinstance(error, RateLimited)
    assert error.reason == reason


def test_f71_the_search_that_cloud_took_away_is_no_issue_that_is_gone():
    error = error_of(answer(410, {"errorMessages": ["Removed, see CHANGE-2046"]}))

    assert type(error) is JiraRejected


@pytest.mark.parametrize(
    ("headers", "seen"),
    [
        pytest.param({}, None, id="none told"),
        pytest.param(
            {"x_ratelimit_limit": "100", "x_ratelimit_remaining": "12", "x_ratelimit_nearlimit": "true"},
            LimitsSeen(limit=100, remaining=12, is_near=True),
            id="Cloud, near its limit",
        ),
        pytest.param(
            {
                "x_ratelimit_limit": "50",
                "x_ratelimit_remaining": "49",
                "x_ratelimit_interval_seconds": "60",
                "x_ratelimit_fillrate": "10",
            },
            LimitsSeen(limit=50, remaining=49, interval_seconds=60, fill_rate=10),
            id="Data Center",
        ),
        pytest.param(
            {"x_ratelimit_limit": "many", "x_ratelimit_remaining": "-1"},
            LimitsSeen(limit=None, remaining=None),
            id="no numbers",
        ),
    ],
)
def test_limits_are_read_from_any_answer(headers, seen):
    assert limits_seen(answer(200, **headers).headers) == seen
