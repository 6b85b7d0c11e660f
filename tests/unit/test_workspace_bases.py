"""Which addresses are a workspace's own: its site, what it is also known as, and Cloud's gateway to it."""

import pytest

from tests.contract.test_stores.values import workspace

pytestmark = pytest.mark.fast


def test_what_the_gateway_writes_as_self_is_the_site_and_the_site_stays_the_identity():
    of = workspace(base_url="https://acme.atlassian.net", also_known_as=(), cloud_id="c1")

    assert of.base_url == "https://acme.atlassian.net"
    assert of.base_urls == ("https://acme.atlassian.net", "https://api.atlassian.com/ex/jira/c1")


def test_without_a_cloud_id_there_is_no_gateway():
    assert workspace(base_url="https://jira.acme.example", also_known_as=()).base_urls == ("https://jira.acme.example",)
