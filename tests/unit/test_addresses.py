"""Which addresses are public, and which hosts are on a list."""

import pytest

from jirabot.jira.addresses import is_among, is_public

pytestmark = pytest.mark.fast


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "192.0.2.1",
        "::1",
        "::",
        "fe80::1%eth0",
        "fd00::1",
        "ff02::1",
        "::ffff:10.0.0.1",
        "::ffff:127.0.0.1",
        "jira.example",
        "",
    ],
)
def test_it_is_not_public(address):
    """F79."""
    assert not is_public(address)


@pytest.mark.parametrize("address", ["13.35.248.1", "2600:9000::1", "::ffff:13.35.248.1"])
def test_it_is_public(address):
    assert is_public(address)


@pytest.mark.parametrize(
    ("base_url", "hosts", "among"),
    [
        ("https://jira.acme.example/jira", ["jira.acme.example"], True),
        ("https://JIRA.acme.example:8443", ["jira.ACME.example"], True),
        ("https://jira.acme.example", ["*.acme.example"], True),
        ("https://a.b.acme.example", ["*.acme.example"], True),
        ("https://acme.example", ["*.acme.example"], False),
        ("https://evilacme.example", ["*.acme.example"], False),
        ("https://jira.acme.example.evil.example", ["jira.acme.example", "*.acme.example"], False),
        ("https://user@evil.example", ["user"], False),
        ("https://10.0.0.7", ["10.0.0.7"], True),
        ("https://[fd00::7]:8443", ["fd00::7"], True),
        ("https://jira.acme.example", [], False),
    ],
)
def test_a_host_is_on_a_list(base_url, hosts, among):
    assert is_among(base_url, hosts) is among
