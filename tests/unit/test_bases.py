"""A base URL has one form, and only one that keeps credentials from being read on the way is fit for them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jirabot.errors import InvalidInput
from jirabot.jira import bases

pytestmark = pytest.mark.fast


@pytest.mark.parametrize(
    ("url", "base"),
    [
        pytest.param("https://acme.atlassian.net", "https://acme.atlassian.net", id="the form itself"),
        pytest.param("https://acme.atlassian.net/", "https://acme.atlassian.net", id="no final slash"),
        pytest.param("HTTPS://Jira.ACME.example/Jira", "https://jira.acme.example/Jira", id="case of the path stays"),
        pytest.param("https://jira.example/jira///", "https://jira.example/jira", id="no final slashes"),
        pytest.param("https://jira.example:443/jira", "https://jira.example/jira", id="no default port of https"),
        pytest.param("http://jira.example:80", "http://jira.example", id="no default port of http"),
        pytest.param("http://jira.example:443", "http://jira.example:443", id="the other scheme's default port"),
        pytest.param("http://localhost:2990/jira", "http://localhost:2990/jira", id="a port and a context path"),
        pytest.param("https://[2001:DB8::1]:8443/jira", "https://[2001:db8::1]:8443/jira", id="an IPv6 address"),
        pytest.param("https://JIRÄ.example", "https://xn--jir-sla.example", id="letters that are not ASCII's"),
        pytest.param("https://jira_1.corp", "https://jira_1.corp", id="a name that only a company's own network has"),
        pytest.param("  https://jira.example\n", "https://jira.example", id="outer white space"),
        pytest.param(
            "https://api.atlassian.com/ex/jira/5a2f7c1e", "https://api.atlassian.com/ex/jira/5a2f7c1e", id="a cloud id"
        ),
    ],
)
def test_normal_form(url, base):
    assert bases.normal(url) == base


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("", id="nothing"),
        pytest.param("acme.atlassian.net", id="no scheme"),
        pytest.param("ftp://jira.example", id="another scheme"),
        pytest.param("javascript:alert(1)", id="a script"),
        pytest.param("https://", id="no host"),
        pytest.param("https:///jira", id="a path only"),
        pytest.param("https://jira.example:port", id="a port that is no number"),
        pytest.param("https://jira.example:99999", id="a port that there is not"),
        pytest.param("https://[::1", id="a broken IPv6 address"),
        pytest.param("https://jira..example", id="an empty label"),
        pytest.param(f"https://{'a' * 64}.example", id="a label of more than 63 characters"),
        pytest.param("https://jira\\example", id="a backslash"),
        pytest.param("https://-jira.example", id="a hyphen before all"),
        pytest.param("https://jira example/jira", id="a blank in the host"),
        pytest.param("https://jira.example/a\tb", id="a tab in the path"),
        pytest.param("https://ada@jira.example", id="a user"),
        pytest.param("https://@jira.example", id="an empty user"),
        pytest.param("https://good.example@evil.example/jira", id="a host in place of a user"),
        pytest.param("https://good.example\\@evil.example", id="a backslash in place of a user"),
        pytest.param("https://jira.example/jira?os_authType=basic", id="a query"),
        pytest.param("https://jira.example/#top", id="a fragment"),
    ],
)
def test_no_base_url(url):
    with pytest.raises(InvalidInput):
        bases.normal(url)


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("https://ada:hunter2@jira.example", id="of an address with a user"),
        pytest.param("ftp://ada:hunter2@jira.example", id="of another scheme"),
        pytest.param("https://ada:hunter2@jira.example:port", id="of a wrong port"),
        pytest.param("https://ada:hunter2@jira example", id="of a host with a blank"),
        pytest.param("https://jira.example?password=hunter2", id="in a query"),
    ],
)
def test_a_password_is_in_no_message(url):
    with pytest.raises(InvalidInput) as caught:
        bases.normal(url)

    assert "hunter2" not in caught.value.message + caught.value.hint
    assert "jira" in caught.value.message


@given(st.text() | st.from_regex(r"https?://[^ ]*", fullmatch=True))
def test_the_form_of_a_form_is_itself(url):
    try:
        base = bases.normal(url)
    except InvalidInput:
        return
    assert bases.normal(base) == base


@pytest.mark.parametrize(
    ("url", "is_loopback"),
    [
        pytest.param("http://localhost:2990/jira", True, id="localhost"),
        pytest.param("http://jira.localhost", True, id="a name under localhost"),
        pytest.param("http://127.0.0.1:8080", True, id="127.0.0.1"),
        pytest.param("http://127.8.9.1", True, id="another address of 127/8"),
        pytest.param("http://[::1]:8080", True, id="the IPv6 one"),
        pytest.param("http://localhost.example", False, id="a name that begins with localhost"),
        pytest.param("http://notlocalhost", False, id="a name that ends with localhost"),
        pytest.param("http://127.0.0.1.example", False, id="a name that begins with 127.0.0.1"),
        pytest.param("http://10.0.0.1", False, id="a private address"),
        pytest.param("http://0.0.0.0", False, id="every address"),
    ],
)
def test_loopback(url, is_loopback):
    assert bases.is_loopback(url) is is_loopback


@pytest.mark.parametrize(
    ("url", "base"),
    [
        pytest.param("https://jira.example/", "https://jira.example", id="https"),
        pytest.param("http://LOCALHOST:8080/jira/", "http://localhost:8080/jira", id="http on this machine"),
    ],
)
def test_safe(url, base):
    assert bases.safe(url) == base


@pytest.mark.parametrize("url", ["http://jira.example", "http://10.0.0.1/jira", "http://localhost.example"])
def test_plain_http_carries_no_credentials(url):
    with pytest.raises(InvalidInput, match="in the clear"):
        bases.safe(url)


@pytest.mark.parametrize(
    ("address", "base"),
    [
        pytest.param("https://jira.example/rest/api/2/issue/1", "https://jira.example", id="cut at /rest/"),
        pytest.param("https://jira.example/jira/rest/api/2/user?key=a", "https://jira.example/jira", id="context path"),
        pytest.param("http://localhost:2990/jira/rest/api/2/x", "http://localhost:2990/jira", id="port"),
        pytest.param("HTTPS://Jira.Example:443/rest/api/2/x", "https://jira.example", id="in normal form"),
        pytest.param("https://jira.example/secure/useravatar", "https://jira.example/secure/useravatar", id="none"),
        pytest.param("https://a.example@b.example/rest/x", "https://a.example@b.example", id="a user stays foreign"),
        pytest.param(
            "https://evil.example/?https://jira.example/rest/x",
            "https://evil.example/?https://jira.example",
            id="another address in the query stays foreign",
        ),
        pytest.param("http://[/rest/api", "http://[", id="no address at all"),
        pytest.param(
            "https://evil.example/rest/https://jira.example/rest/x",
            "https://evil.example",
            id="cut at the first /rest/",
        ),
        pytest.param("", None, id="empty"),
        pytest.param(None, None, id="not there"),
        pytest.param(5, None, id="no text"),
    ],
)
def test_base_of_a_self_address(address, base):
    assert bases.of_self(address) == base


@given(st.text() | st.from_regex(r"https?://.*", fullmatch=True))
def test_every_address_under_rest_has_a_base(before):
    assert isinstance(bases.of_self(f"{before}/rest/api/2/issue/1"), str)
