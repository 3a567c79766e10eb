from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk_fetcher.pages import OpenPage, open_page
from copydesk_fetcher.responses import Fetched
from copydesk_fetcher.wall_rules import PHRASES_NEEDED, RULES, TALK
from copydesk_fetcher.walls import FULL, Judgement, judge
from copydesk_shared.messages import Entry, Source
from tests.fetcher.wall_pages import HONEST, STORY, TEASERS, WALLS, page, story

URL = "https://www.news.example/2026/11/story"


def opened(text: str, url: str = URL, content_type: str = "text/html; charset=utf-8") -> OpenPage:
    return open_page(Fetched(200, url, {"content-type": content_type}, text.encode()))


def entry(**fields: object) -> Entry:
    usual = {"feed_id": "f", "url": URL, "source": Source(name="News", domain="news.example"),
             "discovered_at": datetime(2026, 11, 1, tzinfo=UTC)}  # fmt: skip
    return Entry.model_validate(usual | fields)


@pytest.mark.parametrize("name", WALLS)
def test_a_wall_is_told_by_its_rule(name: str) -> None:
    text, came_from, access, rule = WALLS[name]
    assert judge(opened(text, came_from or URL), entry()) == Judgement(access, rule, is_wall=True)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", TEASERS)
def test_a_teaser_is_marked_and_kept(name: str) -> None:
    text, access, rule = TEASERS[name]
    assert judge(opened(text), entry()) == Judgement(access, rule, is_wall=False)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_page_is_full(name: str) -> None:
    assert judge(opened(HONEST[name]), entry()) == FULL
    assert judge(opened(HONEST[name])) == FULL


def test_a_character_reference_of_thousands_of_digits_stops_nobody() -> None:
    assert judge(opened(f"<p>&#{'9' * 5000};</p>"), entry()).access == "full"


def test_a_feed_that_leads_to_such_an_address_itself_is_believed() -> None:
    for url in (
        "https://consent.news.example/a-history",
        "https://news.example/login/story",
        "https://sso.news.example/a",
    ):
        assert judge(opened(page(story("en", 4)), url), entry(url=url)) == FULL


def test_a_redirect_to_a_story_about_consent_is_no_wall() -> None:
    url = "https://www.news.example/health/consent/what-patients-sign"
    assert judge(opened(page(story("en", 6)), url), entry()) == FULL
    assert judge(opened(page(story("en", 1)), "https://www.news.example/consent/?back=1"), entry()).is_wall


def test_an_entry_that_was_forwarded_from_another_domain_has_been_redirected() -> None:
    url = "https://consent.media.example/collect?to=news"
    assert judge(opened(page(story("en", 9)), url), entry(url=url, hops=1)).reason == "consent-redirect"


def test_a_consent_host_without_a_feed_is_a_wall_when_it_has_no_story() -> None:
    assert judge(opened(page(""), "https://consent.news.example/x")).reason == "consent-address"
    assert judge(opened(page(story("en", 6)), "https://consent.news.example/x")) == FULL


def test_a_page_with_less_than_its_feed_says_is_partial() -> None:
    summary = STORY["en"] * 4
    assert judge(opened(page(story("en", 1))), entry(summary=summary)) == Judgement(
        "partial", "shorter-than-feed", better="feed"
    )
    assert judge(opened(page(story("en", 4))), entry(summary=summary)) == FULL
    assert judge(opened(page(story("en", 1))), entry(summary=STORY["en"])) == FULL
    long = f"<p>{STORY['en']}</p>" * 60
    assert judge(opened(page(story("en", 20))), entry(content=long, content_type="text/html")).better == "feed"
    assert judge(opened(STORY["en"], content_type="text/plain"), entry(summary=summary)).better == "feed"


@pytest.mark.parametrize("text", ["ก" * 250, "新聞。" * 30, "خبر۔ " * 30, "समाचार। " * 20])
def test_a_story_counts_in_any_script(text: str) -> None:
    assert judge(opened(page(f"<article><p>{text}</p><p>{text}</p></article>")), entry(summary=text * 3)) == FULL


def test_before_a_wall_the_feed_is_better_when_it_carries_text() -> None:
    wall = opened(WALLS["consent de"][0])
    assert judge(wall, entry(summary=STORY["de"] * 3)).better == "feed"
    assert judge(wall, entry(content=STORY["de"], content_type="text/plain")).better == "feed"
    assert judge(wall, entry(summary="Kurz.")).better == "page"


def test_a_head_full_of_script_hides_neither_wall_nor_story() -> None:
    script = f"<script>{'var a = 1. Then b. ' * 20_000}</script>"
    assert judge(opened(page(story("en", 3), head=script))) == FULL
    assert judge(opened(WALLS["consent fr"][0].replace("</title>", f"</title>{script}"))).reason == "consent-phrases"


def test_a_page_that_cannot_be_read_as_json_ld_is_taken_at_its_word() -> None:
    broken = '<script type="application/ld+json">{"@type":"NewsArticle", "isAccessibleForFree": false,}</script>'
    assert judge(opened(page(story("en", 12), head=broken))).reason == "json-ld"
    assert judge(opened(page(story("en", 12), head=broken.replace("false", "true")))) == FULL


@pytest.mark.parametrize("kind", TALK)
def test_phrases_are_in_lower_case_and_once_each(kind: str) -> None:
    phrases = TALK[kind]
    assert len(set(phrases)) == len(phrases)
    assert all(phrase == phrase.lower() == " ".join(phrase.split()) or phrase.endswith(" ") for phrase in phrases)
    assert kind in PHRASES_NEEDED


def test_a_rule_that_makes_a_wall_counts_there() -> None:
    assert all(rule.wall_below <= rule.story_below for rule in RULES)
    assert len({rule.name for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("part", ["<p>", "<p ", "<!--", "<script>", "<nav>", "<a", "</p", "<", "<p></p>", "&", "<div>x.", "isAccessibleForFree"])  # fmt: skip
def test_no_markup_takes_long(part: str) -> None:
    assert judge(opened(part * (1_500_000 // len(part)))).access in ("full", "paywall")


@given(st.text(alphabet="<>/p divascriptnavform=\"'&;!-.Accept all we use cookies", max_size=400))
def test_no_page_breaks_it(text: str) -> None:
    assert judge(opened(text), entry(summary=text)).access in ("full", "partial", "paywall", "consent")
