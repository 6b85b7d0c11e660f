"""A delivery proves itself by the signature of its very bytes, or is refused with one text for every reason."""

import json
from pathlib import Path
from typing import Any

import pytest

from jirabot.errors import SignatureRejected
from jirabot.jira.signatures import sign, verify

pytestmark = pytest.mark.fast

SECRET = b"It's a Secret to Everybody"
BODY = b"Hello World!"
PUBLISHED = "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"
"""What Atlassian publishes for SECRET and BODY."""

WRONG = "sha256=0000000000000000000000000000000000000000000000000000000000000000"
BY_EMPTY_SECRET = "sha256=0366d43cf5215a646b90008490ca34b5994cc08f173c9e6cdccef82656896592"


def accepted(header: str | None, body: bytes = BODY, secrets: tuple[bytes, ...] = (SECRET,)) -> bool:
    try:
        verify(body, {} if header is None else {"x-hub-signature": header}, secrets)
    except SignatureRejected:
        return False
    return True


def vectors(shared: Path, group: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((shared / "signatures.json").read_text("utf-8"))[group]
    return found


def given(vector: dict[str, Any], name: str) -> bytes:
    return bytes.fromhex(vector[f"{name}_hex"]) if f"{name}_hex" in vector else vector[name].encode()


def accepted_of(vectors: list[dict[str, Any]]) -> dict[str, bool]:
    """Say of each vector whether it is accepted; a doubled header is joined as the daemon joins it."""
    return {
        vector["name"]: accepted(
            ", ".join(vector["headers"]) if "headers" in vector else vector["header"],
            given(vector, "body"),
            (given(vector, "secret"),),
        )
        for vector in vectors
    }


def test_every_right_signature_of_the_vectors_is_accepted(shared):
    known = vectors(shared, "valid")

    assert len(known) == 12
    assert accepted_of(known) == {vector["name"]: True for vector in known}


def test_every_wrong_signature_of_the_vectors_is_refused(shared):
    known = vectors(shared, "invalid") + vectors(shared, "special")

    assert len(known) > 30
    assert accepted_of(known) == {vector["name"]: False for vector in known}


def test_the_published_signature_is_accepted():
    assert accepted(PUBLISHED)


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(None, id="missing"),
        pytest.param("", id="empty"),
        pytest.param("sha256", id="without its equals sign"),
        pytest.param(PUBLISHED.removeprefix("sha256="), id="without its method"),
        pytest.param(PUBLISHED.replace("sha256", "sha1"), id="of another method"),
        pytest.param(PUBLISHED.upper(), id="in upper case"),
        pytest.param(WRONG, id="wrong"),
        pytest.param(f"{WRONG}, {PUBLISHED}", id="doubled, the second one right"),
        pytest.param(f"{PUBLISHED}, {WRONG}", id="doubled, the first one right"),
        pytest.param(f"{PUBLISHED}, {PUBLISHED}", id="doubled, both right"),
        pytest.param("sha256=é4771c39", id="not ASCII"),
        pytest.param("sha256=\udce9", id="of bytes that are no UTF-8"),
    ],
)
def test_a_header_is_refused_that_is(header):
    assert not accepted(header)


def test_another_header_is_no_signature():
    with pytest.raises(SignatureRejected):
        verify(BODY, {"x-hub-signature-256": PUBLISHED}, (SECRET,))


@pytest.mark.parametrize(
    ("secrets", "is_accepted"),
    [
        pytest.param((b"the new one, of today", SECRET), True, id="the old one of two secrets is valid"),
        pytest.param((SECRET, b"the new one, of today"), True, id="the new one of two secrets is valid"),
        pytest.param((b"the new one, of today", b"the one after that"), False, id="neither of two secrets fits"),
        pytest.param((), False, id="a workspace without secret takes nothing"),
    ],
)
def test_secrets(secrets, is_accepted):
    assert accepted(PUBLISHED, secrets=secrets) is is_accepted


def test_an_empty_secret_proves_nothing():
    """Whoever knows that it is empty could sign with it."""
    assert not accepted(BY_EMPTY_SECRET, secrets=(b"",))


def test_one_byte_more_is_another_body():
    assert not accepted(PUBLISHED, b"Hello World!\n")


@pytest.mark.parametrize(
    "header",
    [pytest.param(None, id="missing"), pytest.param("sha256", id="malformed"), pytest.param(WRONG, id="wrong")],
)
def test_one_text_is_told_for_all_reasons(header):
    with pytest.raises(
        SignatureRejected, match=r"^the delivery does not prove that it comes from the workspace's Jira$"
    ):
        verify(BODY, {} if header is None else {"x-hub-signature": header}, (SECRET,))


def test_sign_makes_what_jira_sends():
    assert sign(BODY, SECRET) == PUBLISHED
