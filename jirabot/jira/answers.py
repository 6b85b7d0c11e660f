"""What an answer of Jira's REST API means: its JSON, or the one error it stands for. Values only. Pure.

Source: "The Jira Cloud platform REST API", section Status codes; "Rate limiting", developer.atlassian.com; for Data
Center "Disabling basic authentication" and "Improving instance stability with rate limiting", confluence.atlassian.com.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from jirabot.core.issues import LimitsSeen
from jirabot.errors import (
    InvalidPayload,
    JirabotError,
    JiraBroken,
    JiraGone,
    JiraRefused,
    JiraRejected,
    RateLimited,
)
from jirabot.jira.envelope import is_deeper, parse_json
from jirabot.jira.refusal_hints import hint_of

RETRY_AFTER_SECONDS = 30.0
"""How long to wait where a 429 does not say."""

LONGEST_RETRY_AFTER_SECONDS = 31 * 24 * 3600.0
"""No quota is counted over more; keeps a wrong header from being a time that no calendar has."""

MESSAGE_CHARACTERS = 300

DEEPEST = 200
"""Levels of objects and lists in an answer: a rich text has its own, and what is made of it must be written again,
which is done for up to 254."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer as it came; header names in any case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def read(answer: Answer, *, now: datetime) -> Any:
    """Give the JSON of a good answer; None where it has no body.

    Raises:
        JiraRefused: 401, 403. JiraGone: 404, 410. RateLimited: 429. JiraRejected: any other 4xx.
        JiraBroken: 408, 425, 5xx, a redirect, or a body that is not JSON or too deep.
    """
    if not 200 <= answer.status < 300:
        raise _error(answer, now)
    if not answer.body.strip():
        return None
    try:
        decoded = parse_json(answer.body)
    except InvalidPayload as error:
        raise JiraBroken(
            f"what answered {answer.status} is not Jira: the body is no JSON",
            hint="a proxy or a login page may stand before it: check the base URL and its context path",
        ) from error
    if isinstance(decoded, dict | list) and _may_be_deep(answer.body) and is_deeper(decoded, DEEPEST):
        raise JiraBroken(f"what answered {answer.status} is nested more than {DEEPEST} levels deep")
    return decoded


def _may_be_deep(body: bytes) -> bool:
    # Each level has a bracket of its own.
    return body.count(b"{") + body.count(b"[") > DEEPEST


def class_of(status: int) -> str:
    """Say of which class an answer is, for counting: those that tell us to change something stand alone."""
    return str(status) if status in (401, 403, 404, 429) else f"{status // 100}xx"


def _error(answer: Answer, now: datetime) -> JirabotError:
    said = _said(answer.body)
    told = f": {said}" if said else ""
    match answer.status:
        case 401 | 403:
            return JiraRefused(
                f"Jira refuses the service account ({answer.status}){told}",
                status=answer.status,
                hint=hint_of(answer.status, answer.headers, answer.body),
            )
        case 410 if b"CHANGE-2046" in answer.body:
            return JiraRejected(
                f"Jira Cloud has taken this way to search away ({answer.status}){told}",
                status=answer.status,
                hint="Cloud is searched by `search/jql`, Data Center by `search`: see whether the deployment is right",
            )
        case 404 | 410:
            return JiraGone(
                f"Jira says that it is not there ({answer.status}){told}",
                status=answer.status,
                hint="it was deleted, or the service account may not see it",
            )
        case 429:
            wait = retry_after(answer.headers, now, otherwise=_reset(answer.headers, now))
            reason = _header(answer.headers, "ratelimit-reason")
            return RateLimited(f"Jira asks to wait {wait:.0f} s{told}", retry_after_seconds=wait, reason=reason)
        case 413:
            return JiraRejected(
                f"Jira does not take it (413){told}",
                status=413,
                hint="it is too large, or the issue has as many comments or links as Jira allows: go on in a new issue",
            )
        case 408 | 425:
            # What stands before Jira gave up on it, or wants it again: nothing is refused for good.
            return JiraBroken(f"Jira did not get to it ({answer.status}){told}")
        case status if 400 <= status < 500:
            return JiraRejected(f"Jira does not take it ({status}){told}", status=status)
        case status if 300 <= status < 400:
            return JiraBroken(
                f"Jira answers with a redirect ({status}), which is not followed",
                hint="check the base URL: scheme, host and context path must be those that Jira itself uses",
            )
        case status:
            wait = retry_after(answer.headers, now, otherwise=0.0)
            return JiraBroken(f"Jira fails ({status}){told}", retry_after_seconds=wait)


def limits_seen(headers: Mapping[str, str]) -> LimitsSeen | None:
    """Read what an answer tells of Jira's rate limits; None where it tells nothing, as where they are off.

    Source: "Rate limiting", developer.atlassian.com; "Improving instance stability with rate limiting" (Data Center).
    """
    told = {name.lower(): value.strip() for name, value in headers.items() if name.lower().startswith("x-ratelimit-")}
    limit, remaining = told.get("x-ratelimit-limit", ""), told.get("x-ratelimit-remaining", "")
    if not limit and not remaining:
        return None
    return LimitsSeen(
        limit=_count(limit),
        remaining=_count(remaining),
        is_near=told.get("x-ratelimit-nearlimit", "").lower() == "true",
        interval_seconds=_count(told.get("x-ratelimit-interval-seconds", "")),
        fill_rate=_count(told.get("x-ratelimit-fillrate", "")),
    )


def _count(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


def _said(body: bytes) -> str:
    """Read Jira's own words: `{"errorMessages": [...], "errors": {field: message}}`, or `{"message": ...}`."""
    try:
        told = parse_json(body)
    except InvalidPayload:
        return ""
    if not isinstance(told, dict):
        return ""
    messages = told.get("errorMessages")
    errors = told.get("errors")
    words = [*(messages if isinstance(messages, list) else []), *(errors.values() if isinstance(errors, dict) else [])]
    words += [told["message"]] if isinstance(told.get("message"), str) and not words else []
    return " ".join(str(word).strip() for word in words)[:MESSAGE_CHARACTERS].rstrip(". ")


def retry_after(headers: Mapping[str, str], now: datetime, *, otherwise: float = RETRY_AFTER_SECONDS) -> float:
    """Read `Retry-After`, in seconds or as a date (RFC 9110); *otherwise* where it is not there, or neither."""
    given = _header(headers, "retry-after")
    if given.isascii() and given.isdigit():
        return min(float(given), LONGEST_RETRY_AFTER_SECONDS)
    try:
        at = parsedate_to_datetime(given)
    except (ValueError, OverflowError):
        return otherwise
    return _seconds_to(at, now)


def _reset(headers: Mapping[str, str], now: datetime) -> float:
    """Read when a limit counts anew, as Cloud tells it, or how often it does, as Data Center."""
    interval = _header(headers, "x-ratelimit-interval-seconds")
    try:
        return _seconds_to(datetime.fromisoformat(_header(headers, "x-ratelimit-reset")), now)
    except (ValueError, OverflowError):
        is_number = interval.isascii() and interval.isdigit()
        return min(float(interval), LONGEST_RETRY_AFTER_SECONDS) if is_number else RETRY_AFTER_SECONDS


def _seconds_to(at: datetime, now: datetime) -> float:
    seconds = ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds()
    return min(max(0.0, seconds), LONGEST_RETRY_AFTER_SECONDS)


def _header(headers: Mapping[str, str], wanted: str) -> str:
    return next((value for name, value in headers.items() if name.lower() == wanted), "").strip()
