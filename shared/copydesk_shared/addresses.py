"""Which addresses may be connected to: the guard against being used to reach what only this machine can reach.

The networks are those of the IANA special-purpose address registries (RFC 6890, RFC 8190) that are not globally
reachable, multicast, and the addresses at which clouds serve credentials outside of them.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

IPAddress = IPv4Address | IPv6Address
IPNetwork = IPv4Network | IPv6Network

NOT_PUBLIC: tuple[tuple[IPNetwork, str], ...] = tuple(
    (ip_network(network), what)
    for network, what in (
        ("0.0.0.0/8", "unspecified"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "carrier-grade NAT"),
        ("127.0.0.0/8", "loopback"),
        ("168.63.129.16/32", "cloud metadata"),
        ("169.254.0.0/16", "link-local or cloud metadata"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "reserved"),
        ("192.0.2.0/24", "documentation"),
        ("192.88.99.0/24", "reserved"),
        ("192.168.0.0/16", "private"),
        ("198.18.0.0/15", "benchmarking"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
        ("::/128", "unspecified"),
        ("::1/128", "loopback"),
        ("64:ff9b:1::/48", "local NAT64"),
        ("100::/64", "discard"),
        ("2001::/23", "reserved"),
        ("2001:db8::/32", "documentation"),
        ("3fff::/20", "documentation"),
        ("fc00::/7", "private"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "site-local"),
        ("ff00::/8", "multicast"),
    )
)
GLOBAL_UNICAST = IPv6Network("2000::/3")
IPV4_MAPPED = IPv6Network("::ffff:0:0/96")
NAT64 = IPv6Network("64:ff9b::/96")
SIX_TO_FOUR = IPv6Network("2002::/16")

# Ports on which something answers that is not HTTP and acts on lines it understands, so that a request can do harm.
NOT_HTTP_PORTS = frozenset(
    (1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 53, 69, 79, 110, 111, 119, 123, 135, 137, 139, 143, 161,
     179, 389, 445, 465, 512, 513, 514, 515, 587, 636, 873, 993, 995, 1080, 1433, 1521, 2049, 2181, 2379, 3306, 3389,
     5432, 5672, 5900, 6000, 6379, 9092, 11211, 27017)
)  # fmt: skip


def embedded_ipv4(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that this one stands for (RFC 4291 section 2.5.5.2, RFC 6052 section 2.1, RFC 3056)."""
    number = int(address)
    if address in IPV4_MAPPED or address in NAT64:
        return IPv4Address(number & 0xFFFFFFFF)
    if address in SIX_TO_FOUR:
        return IPv4Address((number >> 80) & 0xFFFFFFFF)
    return None


def _kind(address: IPAddress) -> str | None:
    """What kind of address that is not public, ``None`` for a public one."""
    if isinstance(address, IPv6Address):
        inner = embedded_ipv4(address)
        if inner is not None:
            return _kind(inner)
    for network, what in NOT_PUBLIC:
        if address in network:
            return what
    return None if isinstance(address, IPv4Address) or address in GLOBAL_UNICAST else "reserved"


def _allowed(address: IPAddress, allowed: Sequence[IPNetwork]) -> bool:
    inner = embedded_ipv4(address) if isinstance(address, IPv6Address) else None
    return any(each in network for network in allowed for each in (address, inner) if each is not None)


def refusal(address: str, port: int, allowed: Sequence[IPNetwork], setting: str) -> str | None:
    """Why this address must not be connected to, ``None`` when it may be.

    What lies in an allowed network may be reached on any port; ``setting`` is what allows networks.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return f"{address!r} is not an IP address"
    if _allowed(parsed, allowed):
        return None
    kind = _kind(parsed)
    if kind is not None:
        return f"{address} is not a public address ({kind}); {setting} can allow its network"
    return f"port {port} is not one for web pages" if port in NOT_HTTP_PORTS else None


def read_networks(value: object) -> object:
    """For a ``field_validator(mode="before")`` of a setting: networks, comma-separated. Raises ``ValueError``."""
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple):
        return parts
    return tuple(_network(part.strip()) if isinstance(part, str) else part for part in parts if part != "")


def _network(text: str) -> IPNetwork:
    try:
        return ip_network(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a network such as 10.0.0.0/8 or ::1/128") from None
