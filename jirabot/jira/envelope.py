"""The little that is read of a webhook's body before it is answered: whose Jira, which issue, what kind. Pure.

Strict where JSON is, since what proves itself but can't be read is answered 400 and never comes again; tolerant of
everything that stands in it.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from jirabot.core.deliveries import Envelope
from jirabot.core.events import issue_of
from jirabot.errors import InvalidPayload
from jirabot.jira import bases

DEEPEST = 64
"""Levels of objects and lists; Jira's own payloads have about ten."""

MOST_VALUES = 500_000
"""Objects and lists in a body. The largest body with brackets alone would take seconds to decode, before it is proved
where it came to the single address; 25 MB of a real issue hold a tenth of this."""

MOST_COMMAS = 1_000_000
"""Commas in a body, since what stands between two may be a value of its own: 25 MB of them would take seconds, too."""

UNPROVED_LENIENT_BYTES = 1_000_000
"""The lenient parser takes ten times as long: for a larger body that is done once it has proved itself."""

LATEST_TIMESTAMP = 2**47
"""In the year 6429: what is later is no time of an event."""

EXPECTED = "a webhook's body is one JSON object, as Jira sends it"

_SUBJECTS = frozenset({"issue", "comment", "user", "project", "worklog", "attachment"})
_PEOPLE = frozenset({"author", "updateAuthor"})
_TIMED = ("comment", "worklog")
_HALF = re.compile("[\ud800-\udfff]")
"""What is left of a pair of escapes when the other half is missing: decoded pairs are one character."""


def decode(body: bytes, *, leniently: bool = True) -> Mapping[str, Any]:
    """Decode a body. Of duplicate keys the last wins; lone surrogates become U+FFFD, where it is read *leniently*.

    Raises:
        InvalidPayload: it is no JSON (NaN, Infinity and invalid UTF-8 are none), no object, too deep, or too much.
    """
    brackets = body.count(b"{") + body.count(b"[")
    if brackets > MOST_VALUES:
        raise InvalidPayload(f"the body holds more than {MOST_VALUES:,} objects and lists")
    # Each comma is a byte: most bodies can't hold too many, and are not looked through.
    if len(body) > MOST_COMMAS and body.count(b",") > MOST_COMMAS:
        raise InvalidPayload(f"the body holds more than {MOST_COMMAS:,} commas")
    decoded = parse_json(body, leniently=leniently)
    if not isinstance(decoded, dict):
        raise InvalidPayload("the body is no JSON object", hint=EXPECTED)
    # Each level has a bracket of its own: few brackets can't be deep, and most bodies are settled by counting.
    if brackets > DEEPEST and is_deeper(decoded, DEEPEST):
        raise InvalidPayload(f"the body is nested more than {DEEPEST} levels deep")
    return decoded


def read(body: bytes) -> Envelope:
    """Read the envelope of a body that has proved itself.

    Raises:
        InvalidPayload: as `decode`.
    """
    payload = decode(body)
    kind, issue = payload.get("webhookEvent"), issue_of(payload)
    return Envelope(
        kind=kind if isinstance(kind, str) else "",
        bases=_bases(payload),
        issue_id=issue.id if issue else None,
        issue_key=issue.key if issue else None,
        has_time=_has_time(payload),
        timestamp=_timestamp(payload),
    )


def find_bases(body: bytes) -> Sequence[str]:
    """List the bases of the `self` addresses of a body that has not proved itself; nothing else of it is looked at.

    Raises:
        InvalidPayload: as `decode`; or it is large, and only the lenient parser might take it.
    """
    return _bases(decode(body, leniently=len(body) <= UNPROVED_LENIENT_BYTES))


def parse_json(body: bytes, *, leniently: bool = True) -> Any:
    """Read JSON of any shape and depth, as `decode` does.

    Raises:
        InvalidPayload: it is none.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        if leniently:
            return _parse_leniently(body)
        raise InvalidPayload("the body is no JSON", hint=EXPECTED) from error


def _parse_leniently(body: bytes) -> Any:
    """Read what only the lenient parser takes: a byte order mark, and escapes of half a character.

    The strict one reads the result once more, and so refuses the NaN and Infinity that the lenient one took.
    """
    try:
        decoded = json.loads(body.decode("utf-8-sig"))
        return orjson.loads(_HALF.sub("\ufffd", json.dumps(decoded, ensure_ascii=False)))
    except (ValueError, RecursionError) as error:
        raise InvalidPayload("the body is no JSON", hint=EXPECTED) from error


def is_deeper(root: Mapping[str, Any] | Sequence[Any], most: int) -> bool:
    """Say whether objects and lists stand in each other on more than *most* levels."""
    level: list[Any] = [root]
    for _ in range(most):
        below = (value.values() if isinstance(value, dict) else value for value in level)
        level = [child for children in below for child in children if isinstance(child, dict | list)]
        if not level:
            return False
    return True


def _bases(payload: Mapping[str, Any]) -> tuple[str, ...]:
    found = {base for address in _selves(payload) if (base := bases.of_self(address))}
    return tuple(sorted(found))


def _selves(payload: Mapping[str, Any]) -> list[object]:
    # On the way of every delivery to its answer: what is not there, as most of it, is not looked for.
    selves: list[object] = []
    for name in _SUBJECTS.intersection(payload):
        subject = payload[name]
        if isinstance(subject, dict):
            selves.append(subject.get("self"))
            for role in _PEOPLE.intersection(subject):
                selves.append(_object(subject[role]).get("self"))  # noqa: PERF401 - as a list of its own it takes longer
    if fields := _issue_fields(payload):
        selves.append(_object(fields.get("project")).get("self"))
    return selves


def _has_time(payload: Mapping[str, Any]) -> bool:
    """Say whether a body tells when it happened; when its issue was made, it would tell each time alike."""
    return bool(
        payload.get("timestamp")
        or _issue_fields(payload).get("updated")
        or any(_object(payload.get(place)).get(name) for place in _TIMED for name in ("created", "updated"))
    )


def _timestamp(payload: Mapping[str, Any]) -> int:
    value = payload.get("timestamp")
    return value if type(value) is int and 0 < value < LATEST_TIMESTAMP else 0


def _issue_fields(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    return _object(_object(payload.get("issue")).get("fields"))


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
