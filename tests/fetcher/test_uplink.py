import pytest

from copydesk_fetcher.uplink import DEAD_SECONDS, DOMAINS_IN_A_ROW, Uplink
from copydesk_shared.errors import DependencyDown


def test_one_site_that_is_away_says_nothing_of_the_network() -> None:
    uplink = Uplink()
    for _ in range(100):
        uplink.failed("gone.example")
    uplink.check()


def test_many_sites_away_and_none_that_answers_is_the_network() -> None:
    uplink = Uplink()
    for number in range(DOMAINS_IN_A_ROW - 1):
        uplink.failed(f"site{number}.example")
        uplink.check()
    uplink.failed("last.example")
    for _ in range(2):
        with pytest.raises(DependencyDown, match="is the network away"):
            uplink.check()


def test_one_answer_and_the_network_is_there() -> None:
    uplink = Uplink()
    for round_number in range(3):
        for number in range(DOMAINS_IN_A_ROW - 1):
            uplink.failed(f"site{round_number}{number}.example")
        uplink.answered()
    uplink.check()


def test_sites_that_died_together_do_not_stop_the_work_for_ever() -> None:
    now = 0.0
    uplink = Uplink(lambda: now)
    for number in range(DOMAINS_IN_A_ROW):
        uplink.failed(f"site{number}.example")
    now = DEAD_SECONDS / 2
    for number in range(DOMAINS_IN_A_ROW):
        uplink.failed(f"site{number}.example")
    with pytest.raises(DependencyDown):
        uplink.check()
    now = DEAD_SECONDS
    uplink.check()
