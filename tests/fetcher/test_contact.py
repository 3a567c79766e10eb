import pytest

from copydesk_fetcher.contact import PERSONAL, check_contact, for_a_person, has_contact
from copydesk_fetcher.settings import DEFAULT_USER_AGENT, FetcherSettings
from copydesk_shared.errors import SettingsError

GOOD = (
    "News Bot/1.0 (+https://www.marrowbay.co.uk/bot)",
    "bot (+http://crawler.marrowbay.news:8080/why?x=1)",
    "bot (contact: editor+bot@marrowbay.news)",
    "bot desk@marrowbay.news",
    "bot (+https://8.8.8.8/)",
    "bot (+https://[2606:4700::1111]/)",
    "bot (+https://copydesk.example/contact; mail me@marrowbay.news)",
    "bot (+https://bücher.news/)".encode("ascii", "ignore").decode(),
)
BAD = (
    DEFAULT_USER_AGENT,
    PERSONAL,
    "bot",
    "Mozilla/5.0 (X11; Linux x86_64)",
    "bot (+https://example.com/bot)",
    "bot (+https://www.EXAMPLE.org./bot)",
    "bot (+https://bot.test/)",
    "bot (+https://bot.invalid/)",
    "bot (+https://intranet/)",
    "bot (+https://bot.local/)",
    "bot (+https://localhost/)",
    "bot (+https://bot.localhost/)",
    "bot (+https://127.0.0.1/)",
    "bot (+https://[::1]/)",
    "bot (+https://10.0.0.1/)",
    "bot (+https://)",
    "bot (me@example.net)",
    "bot (me@localhost)",
    "bot (me at marrowbay.news)",
)


@pytest.mark.parametrize("user_agent", GOOD)
def test_a_contact_that_can_be_reached_is_one(user_agent: str) -> None:
    settings = FetcherSettings(user_agent=user_agent)
    check_contact(settings)
    assert for_a_person(settings) == settings


@pytest.mark.parametrize("user_agent", BAD)
def test_without_a_contact_there_is_one_line_that_says_what_to_set(user_agent: str) -> None:
    settings = FetcherSettings(user_agent=user_agent)
    with pytest.raises(SettingsError, match=r"^COPYDESK_FETCHER_USER_AGENT must name .*[^\n]*$") as caught:
        check_contact(settings)
    assert repr(user_agent) in str(caught.value)
    assert for_a_person(settings).user_agent == PERSONAL


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8080", "[::1]"])
@pytest.mark.parametrize(
    ("networks", "is_fine"),
    [("", False), ("10.0.0.0/8", False), ("127.0.0.0/8", True), ("::1/128", True), ("10.0.0.0/8,127.0.0.1/32", True)],
)
def test_a_contact_on_this_machine_does_where_this_machine_may_be_fetched_from(
    host: str, networks: str, is_fine: bool
) -> None:
    settings = FetcherSettings(user_agent=f"bot (+http://{host}/)", allow_networks=networks)
    assert has_contact(settings) == is_fine
