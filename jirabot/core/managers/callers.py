"""How often each address asks the management API: counted in the process, since it is asked before anything is read."""

from collections import OrderedDict
from datetime import timedelta
from ipaddress import IPv4Address, IPv6Address, IPv6Network

from jirabot.config import ApiSettings, LimitsSettings
from jirabot.core import budgets
from jirabot.core.budgets import HOUR, Bucket, Limit
from jirabot.core.ports import Clock
from jirabot.errors import RateLimited

ADDRESSES_KNOWN = 10_000
"""How many are remembered: who has not asked for longest is forgotten first, and has its whole budget again."""

IPV6_PREFIX = 64
"""What is one caller: a network of that size is one customer's, who may take any address in it."""

API = "api"
"""The place that is no deployment's."""

Address = IPv4Address | IPv6Address


class Callers:
    """Counts the requests of each client address, the addresses of each deployment and those of the API apart."""

    def __init__(self, *, limits: LimitsSettings, api: ApiSettings | None = None, clock: Clock) -> None:
        self._limits, self._api, self._clock = limits, api or ApiSettings(), clock
        self._buckets: OrderedDict[tuple[str, str], Bucket] = OrderedDict()

    def count(self, place: str, address: Address) -> None:
        """Count a request at the addresses of a deployment, or of the API, by that name.

        Raises:
            RateLimited: the address has asked too often.
        """
        settings = self._api if place == API else self._limits.of(place)
        limit = Limit(count=settings.requests_per_hour, per=HOUR)
        if not limit.count:
            return
        now, key = self._clock.now(), (place, caller(address))
        left = budgets.take(self._buckets.get(key) or budgets.full(limit, now), limit, now)
        if isinstance(left, timedelta):
            raise RateLimited(
                f"more than {limit.count} requests an hour come from this address",
                retry_after_seconds=left.total_seconds(),
                hint="ask more rarely, or raise `requests_per_hour`",
            )
        self._buckets[key] = left
        self._buckets.move_to_end(key)
        if len(self._buckets) > ADDRESSES_KNOWN:
            self._buckets.popitem(last=False)


def caller(address: Address) -> str:
    """Name who is behind an address: its network of IPv6, or the address itself of IPv4."""
    if isinstance(address, IPv4Address):
        return str(address)
    return str(IPv6Network((address, IPV6_PREFIX), strict=False))
