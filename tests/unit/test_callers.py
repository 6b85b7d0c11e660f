"""How often an address may ask the management API, and whose address it is behind proxies."""

from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network

import pytest
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from jirabot.config import LimitsSettings
from jirabot.core.managers.callers import ADDRESSES_KNOWN, Callers
from jirabot.daemon.access import client_address
from jirabot.errors import RateLimited

from .values import NOW

LIMITS = LimitsSettings.model_validate({"cloud": {"requests_per_hour": 2}, "dc": {"requests_per_hour": 1}})


class Clock:
    def __init__(self) -> None:
        self.at: datetime = NOW

    def now(self) -> datetime:
        return self.at

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nobody sleeps here")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def callers(clock: Clock) -> Callers:
    return Callers(limits=LIMITS, clock=clock)


def asked(callers: Callers, address: str, *, deployment: str = "cloud", times: int = 1) -> float:
    """Ask so often; give how long to wait after the last, 0 where it is served."""
    wait = 0.0
    for _ in range(times):
        try:
            callers.count(deployment, ip_address(address))
            wait = 0.0
        except RateLimited as error:
            wait = error.retry_after_seconds
    return wait


def test_who_asks_too_often_is_told_when_to_ask_again(callers: Callers, clock: Clock) -> None:
    assert asked(callers, "192.0.2.1", times=2) == 0
    wait = asked(callers, "192.0.2.1")
    assert wait == 1800
    clock.at += timedelta(seconds=wait)
    assert asked(callers, "192.0.2.1") == 0


@pytest.mark.parametrize(
    ("first", "second", "shared"),
    [
        pytest.param("192.0.2.1", "192.0.2.2", False, id="two addresses"),
        pytest.param("2001:db8::1", "2001:db8::ffff", True, id="one network of IPv6"),
        pytest.param("2001:db8::1", "2001:db8:0:1::1", False, id="two networks of IPv6"),
    ],
)
def test_whose_budget_it_is(callers: Callers, first: str, second: str, shared: bool) -> None:
    asked(callers, first, times=2)
    assert bool(asked(callers, second)) is shared


def test_each_deployment_has_a_limit_of_its_own(callers: Callers) -> None:
    assert asked(callers, "192.0.2.1", deployment="dc") == 0
    assert asked(callers, "192.0.2.1", deployment="dc") == 3600
    assert asked(callers, "192.0.2.1", deployment="cloud") == 0


def test_without_a_limit_nobody_is_counted(clock: Clock) -> None:
    limits = LimitsSettings.model_validate({"cloud": {"requests_per_hour": 0}})
    assert asked(Callers(limits=limits, clock=clock), "192.0.2.1", times=100) == 0


def test_who_has_not_asked_for_longest_is_forgotten_first(callers: Callers) -> None:
    """So that a stranger with many addresses takes no more room than that."""
    start = int(ip_address("198.18.0.0"))
    for number in range(ADDRESSES_KNOWN):
        asked(callers, str(ip_address(start + number)), times=2)
    asked(callers, "192.0.2.1")
    assert asked(callers, str(ip_address(start + 1))) > 0
    assert asked(callers, str(ip_address(start))) == 0


@pytest.mark.parametrize(
    ("remote", "forwarded", "address"),
    [
        pytest.param("192.0.2.1", [], "192.0.2.1", id="nobody between"),
        pytest.param("::ffff:192.0.2.1", [], "192.0.2.1", id="IPv4 in IPv6's clothes"),
        pytest.param("192.0.2.1", ["198.51.100.7"], "192.0.2.1", id="who is no proxy of ours is not believed"),
        pytest.param("10.0.0.1", ["198.51.100.7"], "198.51.100.7", id="a proxy of ours is"),
        pytest.param("10.0.0.1", ["203.0.113.9, 198.51.100.7"], "198.51.100.7", id="but not what it was told"),
        pytest.param("10.0.0.1", ["198.51.100.7, 10.0.0.2"], "198.51.100.7", id="two proxies"),
        pytest.param("10.0.0.1", ["198.51.100.7", "10.0.0.2"], "198.51.100.7", id="two proxies, two headers"),
        pytest.param("10.0.0.1", ["nonsense"], "10.0.0.1", id="a proxy that tells no address"),
        pytest.param("10.0.0.1", [], "10.0.0.1", id="a proxy that tells nothing"),
        pytest.param("10.0.0.1", ["10.0.0.3"], "10.0.0.3", id="a proxy asks itself"),
        pytest.param("", ["198.51.100.7"], None, id="no address at all"),
    ],
)
def test_whose_address_it_is(remote: str, forwarded: list[str], address: str | None) -> None:
    headers = CIMultiDict([("X-Forwarded-For", line) for line in forwarded])
    request = make_mocked_request("GET", "/", headers=headers).clone(remote=remote)
    found = client_address(request, [ip_network("10.0.0.0/8")])
    assert found == (ip_address(address) if address else None)
