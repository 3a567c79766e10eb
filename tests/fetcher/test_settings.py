from ipaddress import ip_network
from pathlib import Path

import pytest

from copydesk_fetcher.settings import FetcherSettings
from copydesk_shared.errors import SettingsError
from copydesk_shared.settings import load_settings


def test_the_defaults_are_polite_and_allow_nothing_inside() -> None:
    settings = load_settings(FetcherSettings)
    assert settings.allow_networks == ()
    assert settings.per_host_delay_seconds > 0
    assert settings.feeds_file is None


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COPYDESK_FETCHER_ALLOW_NETWORKS", "127.0.0.0/8, ::1/128 ,10.1.2.3")
    monkeypatch.setenv("COPYDESK_FETCHER_FEEDS_FILE", "/etc/feeds.yaml")
    monkeypatch.setenv("COPYDESK_FETCHER_PAGE_BYTES", "50000")
    settings = load_settings(FetcherSettings)
    assert settings.allow_networks == (ip_network("127.0.0.0/8"), ip_network("::1/128"), ip_network("10.1.2.3/32"))
    assert settings.feeds_file == Path("/etc/feeds.yaml")
    assert settings.page_bytes == 50000


def test_empty_values_mean_nothing_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COPYDESK_FETCHER_ALLOW_NETWORKS", "")
    monkeypatch.setenv("COPYDESK_FETCHER_FEEDS_FILE", "")
    settings = load_settings(FetcherSettings)
    assert (settings.allow_networks, settings.feeds_file) == ((), None)


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("ALLOW_NETWORKS", "10.0.0.0/99", "'10.0.0.0/99' is not a network such as"),
        ("ALLOW_NETWORKS", "127.0.0.1/8", "'127.0.0.1/8' is not a network such as"),
        ("ALLOW_NETWORKS", "localhost", "'localhost' is not a network such as"),
        ("ALLOW_NETWORKS", "127.0.0.0/8;10.0.0.0/8", "is not a network such as"),
        ("PER_HOST_DELAY_SECONDS", "-1", "greater than or equal to 0"),
        ("PER_HOST_CONCURRENCY", "0", "greater than or equal to 1"),
        ("PAGE_BYTES", "lots", "valid integer"),
        ("TOTAL_SECONDS", "nan", "less than or equal to 600"),
        ("USER_AGENT", "", "at least 1 character"),
        ("USER_AGENT", "line\nbreak", "pattern"),
        ("REDIRECTS", "1000", "less than or equal to 20"),
        ("ALOW_NETWORKS", "::1", "did you mean COPYDESK_FETCHER_ALLOW_NETWORKS?"),
    ],
)
def test_a_value_that_cannot_be_used_is_one_line_that_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, problem: str
) -> None:
    monkeypatch.setenv(f"COPYDESK_FETCHER_{name}", value)
    with pytest.raises(SettingsError) as caught:
        load_settings(FetcherSettings)
    assert f"COPYDESK_FETCHER_{name}" in str(caught.value)
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)
