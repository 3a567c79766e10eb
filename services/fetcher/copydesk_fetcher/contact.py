"""Who asks: a crawler says where its operator can be reached, and one that does not is not started.

A contact is an ``http`` or ``https`` URL or a mail address in the user agent. Names that nobody can reach (RFC 2606,
RFC 6761) are none. One on this machine does where this machine may be fetched from: for demos and tests.
"""

import re
from ipaddress import ip_address, ip_network

from copydesk_fetcher.settings import FetcherSettings
from copydesk_shared.errors import SettingsError

SETTING = "COPYDESK_FETCHER_USER_AGENT"
CONTACT = re.compile(r"https?://(\[[0-9a-f:.]+\]|[\w.-]+)|[\w.+-]+@(\[[0-9a-f:.]+\]|[\w.-]+)", re.IGNORECASE)
NOBODYS_DOMAINS = ("example", "example.com", "example.net", "example.org", "invalid", "test", "local", "internal")
LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
PERSONAL = "copydesk/0.1 (one request, made by a person)"


def _hosts(user_agent: str) -> list[str]:
    return [(match[1] or match[2]).strip("[].").lower() for match in CONTACT.finditer(user_agent)]


def _is_here(host: str) -> bool:
    try:
        return any(ip_address(host) in network for network in LOOPBACK)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _is_reachable(host: str) -> bool:
    try:
        return ip_address(host).is_global
    except ValueError:
        return "." in host and not any(host == name or host.endswith(f".{name}") for name in NOBODYS_DOMAINS)


def has_contact(settings: FetcherSettings) -> bool:
    """Whether the user agent says where its operator can be reached."""
    may_be_here = any(mine.overlaps(network) for mine in settings.allow_networks for network in LOOPBACK
                      if mine.version == network.version)  # fmt: skip
    return any(may_be_here if _is_here(host) else _is_reachable(host) for host in _hosts(settings.user_agent))


def check_contact(settings: FetcherSettings) -> None:
    """Raises :class:`SettingsError` with one line that says what to set, unless there is a contact."""
    if not has_contact(settings):
        raise SettingsError(
            f"{SETTING} must name whoever runs this and how to reach them, as in"
            f" 'Marrow Bay News (+https://YOUR-SITE/bot)' or 'Marrow Bay News (you@YOUR-SITE)';"
            f" now it is {settings.user_agent!r}"
        )


def for_a_person(settings: FetcherSettings) -> FetcherSettings:
    """The settings for one request that a person makes: without a contact, the user agent says that it is just that."""
    return settings if has_contact(settings) else settings.model_copy(update={"user_agent": PERSONAL})
