import pytest

from copydesk_fetcher.uplink import DOMAINS_IN_A_ROW, Uplink
from copydesk_shared.errors import DependencyDown


def test_one_site_that_is_away_says_nothing_of_the_network() -> None:
    uplink = Uplink()
    for number in range(100):
        uplink.failed(f"https://www{number}.gone.example/")


def test_many_sites_away_and_none_that_answers_is_the_network() -> None:
    uplink = Uplink()
    for number in range(DOMAINS_IN_A_ROW - 1):
        uplink.failed(f"https://site{number}.example/")
    with pytest.raises(DependencyDown, match="is the network away"):
        uplink.failed("https://last.example/")
    with pytest.raises(DependencyDown):
        uplink.failed("https://site0.example/")


def test_one_answer_and_the_network_is_there() -> None:
    uplink = Uplink()
    for round_number in range(3):
        for number in range(DOMAINS_IN_A_ROW - 1):
            uplink.failed(f"https://site{round_number}{number}.example/")
        uplink.answered()
