"""How often one may ask: so many requests in a time, for each key, and for each address of those without one.

A bucket is the time at which its quota would be whole again (the generic cell rate algorithm, ITU-T I.371): one number
for each, no clock to reset it, and no burst of twice the quota where two windows meet. What is told is
draft-ietf-httpapi-ratelimit-headers (structured fields, RFC 9651). Each replica counts by itself, as many as fit.
"""

import re
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil

from copydesk_api.problems import TOO_MANY, Problem

BUCKETS = 50_000
OFF = "off"
RATE = re.compile(r"(\d{1,9})/(\d{1,4})(s|m|h)")
UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600}
LONGEST_HOST = 100
# An IPv6 customer has a network of this size and may take another address of it for each request.
IPV6_CUSTOMER = 64


@dataclass(frozen=True)
class Rate:
    """So many requests in so many seconds, all at once if need be."""

    quota: int
    seconds: int

    def __str__(self) -> str:
        return f"{self.quota}/{self.seconds}s"


def parse_rate(value: str) -> Rate | None:
    """The rate of ``600/1m``; ``None`` for ``off``. Raises ``ValueError``."""
    if value == OFF:
        return None
    match = RATE.fullmatch(value)
    if match is None or not int(match[1]) or not int(match[2]):
        raise ValueError(f"{value[:40]!r} is not a rate such as 600/1m, nor off")
    return Rate(int(match[1]), int(match[2]) * UNIT_SECONDS[match[3]])


@dataclass(frozen=True)
class Taken:
    """What is left after a request; ``wait`` is zero when it was within the rate. Times are in seconds."""

    name: str
    rate: Rate
    left: int
    whole_in: float
    wait: float = 0.0

    def headers(self) -> Mapping[str, str]:
        """What the caller is told with every answer."""
        return {
            "RateLimit-Policy": f'"{self.name}";q={self.rate.quota};w={self.rate.seconds}',
            "RateLimit": f'"{self.name}";r={self.left};t={ceil(self.whole_in)}',
        }

    def problem(self) -> Problem:
        """What the caller is told who asks too often."""
        seconds = max(1, ceil(self.wait))
        said = f"More than {self.rate.quota} requests in {self.rate.seconds} s: try again in {seconds} s."
        return Problem(TOO_MANY, said, headers={"Retry-After": str(seconds)})


class Buckets:
    """One for each caller. When there are too many, those that asked least recently begin anew."""

    def __init__(
        self, name: str, rate: Rate, *, most: int = BUCKETS, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._name = name
        self._rate = rate
        self._most = most
        self._now = now
        self._whole_at: OrderedDict[str, float] = OrderedDict()

    def take(self, caller: str) -> Taken:
        """One request of this caller."""
        now, each = self._now(), self._rate.seconds / self._rate.quota
        was = max(self._whole_at.get(caller, now), now) - now
        wait = was + each - self._rate.seconds
        if wait > each / 1000:  # what floats lose is no request too many
            return Taken(self._name, self._rate, 0, was, wait)
        self._whole_at[caller] = now + was + each
        self._whole_at.move_to_end(caller)
        if len(self._whole_at) > self._most:
            self._whole_at.popitem(last=False)
        left = round((self._rate.seconds - was) / each - 1, 3)
        return Taken(self._name, self._rate, max(0, int(left)), was + each)


class RateLimits:
    """The buckets of keys and those of addresses, as far as they are wanted."""

    def __init__(self, per_key: Rate | None, per_address: Rate | None) -> None:
        self._keys = Buckets("key", per_key) if per_key else None
        self._addresses = Buckets("address", per_address) if per_address else None

    def take(self, key_id: str | None, address: str) -> Taken | None:
        """A request with this key, or without one from this address; ``None`` where it is not limited."""
        if key_id is not None:
            return self._keys.take(key_id) if self._keys else None
        return self._addresses.take(customer(address)) if self._addresses else None


def customer(address: str) -> str:
    """The address, or the network of one customer. A name that a proxy made up is taken as it is, cut short."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address[:LONGEST_HOST]
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ip_network((parsed, IPV6_CUSTOMER), strict=False))
