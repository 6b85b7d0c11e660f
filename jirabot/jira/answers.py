"""What an answer of Jira's REST API means: its JSON, or the one error it stands for. Values only. Pure.

Source: "The Jira Cloud platform REST API", section Status codes; "Rate limiting", developer.atlassian.com; for Data
Center "Disabling basic authentication" and "Improving instance stability with rate limiting", confluence.atlassian.com.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from jirabot.errors import (
    InvalidPayload,
    JirabotError,
    JiraBroken,
    JiraGone,
    JiraRefused,
    JiraRejected,
    RateLimited,
)
from jirabot.jira.envelope import parse_json

RETRY_AFTER_SECONDS = 30.0
"""How long to wait where a 429 does not say."""

LONGEST_RETRY_AFTER_SECONDS = 31 * 24 * 3600.0
"""No quota is counted over more; keeps a wrong header from being a time that no calendar has."""

MESSAGE_CHARACTERS = 300


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
        JiraBroken: 408, 425, 5xx, a redirect, or a body that is not JSON.
    """
    if not 200 <= answer.status < 300:
        raise _error(answer, now)
    if not answer.body.strip():
        return None
    try:
        return parse_json(answer.body)
    except InvalidPayload as error:
        raise JiraBroken(
            f"what answered {answer.status} is not Jira: the body is no JSON",
            hint="a proxy or a login page may stand before it: check the base URL and its context path",
        ) from error


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
                hint=_refusal_hint(answer),
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


def _refusal_hint(answer: Answer) -> str:
    headers = {name.lower(): value for name, value in answer.headers.items()}
    if "CAPTCHA" in headers.get("x-authentication-denied-reason", ""):
        return "Jira wants a CAPTCHA: sign in once in a browser as the service account"
    if b"Basic Authentication has been disabled" in answer.body:
        return "this Jira takes no passwords: give a personal access token"
    if answer.status == 401:
        return "its token is wrong, expired or of another site: make a new one"
    return "give the service account the rights it lacks on the project: browse, add and edit comments"


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
