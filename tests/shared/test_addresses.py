from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk_shared.addresses import NOT_HTTP_PORTS, embedded_ipv4, refusal

REFUSED = {
    "0.0.0.0": "unspecified",
    "0.1.2.3": "unspecified",
    "10.1.2.3": "private",
    "100.64.0.1": "carrier-grade NAT",
    "100.100.100.200": "carrier-grade NAT",
    "127.0.0.1": "loopback",
    "127.255.255.254": "loopback",
    "168.63.129.16": "cloud metadata",
    "169.254.169.254": "cloud metadata",
    "172.16.0.1": "private",
    "172.31.255.255": "private",
    "192.0.0.192": "reserved",
    "192.0.2.1": "documentation",
    "192.168.1.1": "private",
    "198.18.0.1": "benchmarking",
    "198.19.255.255": "benchmarking",
    "203.0.113.7": "documentation",
    "224.0.0.1": "multicast",
    "239.255.255.255": "multicast",
    "240.0.0.1": "reserved",
    "255.255.255.255": "reserved",
    "::": "unspecified",
    "::1": "loopback",
    "::127.0.0.1": "reserved",
    "::ffff:127.0.0.1": "loopback",
    "::ffff:10.0.0.1": "private",
    "::ffff:169.254.169.254": "cloud metadata",
    "64:ff9b::7f00:1": "loopback",
    "64:ff9b::a9fe:a9fe": "cloud metadata",
    "64:ff9b:1::1": "local NAT64",
    "100::1": "discard",
    "2001::1": "reserved",
    "2001:db8::1": "documentation",
    "2002:7f00:1::": "loopback",
    "2002:c0a8:101::1": "private",
    "3fff::1": "documentation",
    "4000::1": "reserved",
    "fc00::1": "private",
    "fd00:ec2::254": "private",
    "fe80::1": "link-local",
    "fe80::1%eth0": "link-local",
    "fec0::1": "site-local",
    "ff02::1": "multicast",
}
PUBLIC = (
    "1.1.1.1",
    "8.8.8.8",
    "100.63.255.255",
    "100.128.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "168.63.129.17",
    "192.169.0.1",
    "223.255.255.255",
    "2606:4700::1111",
    "2a00:1450:4001::1",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
    "2002:808:808::1",
)


@pytest.mark.parametrize(("address", "kind"), REFUSED.items())
def test_what_is_not_public_is_refused_with_its_kind_and_the_setting(address: str, kind: str) -> None:
    reason = refusal(address, 80, (), "THE_SETTING")
    assert reason is not None
    assert kind in reason
    assert "THE_SETTING can allow" in reason


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_taken(address: str) -> None:
    assert refusal(address, 443, (), "") is None


@pytest.mark.parametrize("port", [22, 25, 6379, 9092])
def test_ports_of_other_protocols_are_refused_outside_of_allowed_networks(port: int) -> None:
    assert "port" in str(refusal("8.8.8.8", port, (), ""))
    assert refusal("127.0.0.1", port, (ip_network("127.0.0.0/8"),), "") is None


@pytest.mark.parametrize("port", [80, 443, 8080, 8443, 8000, 3000])
def test_ports_of_web_servers_are_taken(port: int) -> None:
    assert port not in NOT_HTTP_PORTS
    assert refusal("8.8.8.8", port, (), "") is None


def test_an_allowed_network_is_all_that_is_allowed() -> None:
    allowed = (ip_network("127.0.0.0/8"), ip_network("fd00:1::/32"))
    assert refusal("127.0.0.1", 80, allowed, "") is None
    assert refusal("::ffff:127.0.0.1", 80, allowed, "") is None
    assert refusal("fd00:1::5", 80, allowed, "") is None
    assert refusal("::1", 80, allowed, "") is not None
    assert refusal("10.0.0.1", 80, allowed, "") is not None
    assert refusal("169.254.169.254", 80, allowed, "") is not None


def test_what_is_no_address_is_refused() -> None:
    assert "not an IP address" in str(refusal("localhost", 80, (ip_network("0.0.0.0/0"),), ""))


@given(st.ip_addresses(v=4))
def test_an_ipv6_form_of_an_ipv4_address_is_judged_as_that_address(address: IPv4Address) -> None:
    number = int(address)
    forms = (
        IPv6Address((0xFFFF << 32) | number),
        IPv6Address(int(IPv6Address("64:ff9b::")) | number),
        IPv6Address((0x2002 << 112) | (number << 80)),
    )
    for form in forms:
        assert embedded_ipv4(form) == address
        assert (refusal(str(form), 80, (), "") is None) == (refusal(str(address), 80, (), "") is None)


@given(st.ip_addresses())
def test_whatever_python_calls_not_global_is_refused(address: IPv4Address | IPv6Address) -> None:
    embedded = embedded_ipv4(address) if isinstance(address, IPv6Address) else None
    if embedded is None and not address.is_global:
        assert refusal(str(address), 80, (), "") is not None
