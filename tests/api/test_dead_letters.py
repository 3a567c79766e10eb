"""Dead letters on a broker, over REST and as pages: for admins only, the newest first, and back to their stage."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from copydesk_api.app import create_app
from copydesk_api.key_store import KeyStore
from copydesk_api.keys import Scope
from copydesk_api.operating import dead_letters as module
from copydesk_api.operating.dead_letters import DeadLetters, ends_text, parse_ends
from copydesk_api.operating.letter_bodies import LetterAnswer, LetterList, ReplayAnswer
from copydesk_api.operating.parts import Operating
from copydesk_api.settings import ApiSettings
from copydesk_api.store import Store
from copydesk_shared.brokers import Brokers
from copydesk_shared.errors import DeadLetterReason
from copydesk_shared.kafka import ensure_topics
from copydesk_shared.topics import DEAD_LETTER, FETCHED
from tests.api.servers import serving
from tests.api.test_keys import ADMIN, bearer
from tests.api.test_pages import get, words
from tests.api.test_rest import assert_problem, follow
from tests.api.test_sign_in import OURS, PAGE, sign_in
from tests.brokers import Broker, unique
from tests.standalone.letters import Letters, letter

HOSTILE = '<script>alert(1)</script>"\x1b[2J'
pytestmark = pytest.mark.kafka


@pytest.fixture
def letters(embedded_broker: Broker) -> Letters:
    topic = unique("letters")
    embedded_broker.create_topics(topic, partitions=3, config=DEAD_LETTER.config())
    asyncio.run(ensure_topics(Brokers(embedded_broker.bootstrap_servers)))
    return Letters(embedded_broker, topic)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(f"sqlite:///{tmp_path / 'api.db'}")
    yield store
    store.close()


@pytest.fixture
def site(store: Store, letters: Letters) -> Iterator[str]:
    operating = Operating(letters=DeadLetters(letters.brokers, letters.topic))
    with serving(create_app(store, ApiSettings(admin_key=ADMIN), operating=operating)) as url:
        yield url


@pytest.fixture
def admin(site: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=site, headers=bearer(ADMIN), timeout=60) as client:
        yield client


@pytest.fixture
def browser(site: str) -> Iterator[httpx.Client]:
    """A browser that is signed in as admin."""
    with httpx.Client(base_url=site, headers=PAGE, timeout=60) as client:
        assert sign_in(client, ADMIN).status_code == 303
        yield client


def bury(letters: Letters, count: int) -> None:
    letters.bury(*(letter(f"k{number}", b'{"n": %d}' % number, error=f"boom {number}") for number in range(count)))


@pytest.mark.parametrize("path", ["/v1/dead-letters", "/v1/dead-letters/0/0", "/dead-letters", "/dead-letters/0/0"])
def test_nobody_but_an_admin_sees_them(site: str, store: Store, path: str) -> None:
    writer = KeyStore(store.engine).create("a writer", Scope.WRITE).token
    assert_problem(httpx.get(f"{site}{path}"), 401)
    assert_problem(httpx.get(f"{site}{path}", headers=bearer(writer)), 403, "admin")
    if not path.startswith("/v1"):
        assert httpx.get(f"{site}{path}", headers=PAGE).headers["location"].startswith("/login?next=")


def test_nobody_but_an_admin_replays_them_nor_another_site(site: str, store: Store, browser: httpx.Client) -> None:
    writer = KeyStore(store.engine).create("a writer", Scope.WRITE).token
    for headers in ({}, bearer(writer)):
        for path, sent in (
            ("/v1/dead-letters/replay", {"json": {"ids": ["0/0"]}}),
            ("/dead-letters/replay", {"data": {"letter:0/0": "on"}}),
        ):
            assert httpx.post(f"{site}{path}", headers=headers, **sent).status_code in (401, 403)
    for foreign in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://elsewhere.example"}, {}):
        answer = browser.post("/dead-letters/replay", data={"letter:0/0": "on"}, headers=foreign)
        assert answer.status_code == 403


def test_the_newest_first_page_by_page(admin: httpx.Client, letters: Letters) -> None:
    bury(letters, 11)
    pages = list(follow(admin, "/v1/dead-letters?limit=4"))
    told = [LetterList.model_validate(page) for page in pages]
    assert [[each.key for each in page.items] for page in told] == [
        ["k10", "k9", "k8", "k7"], ["k6", "k5", "k4", "k3"], ["k2", "k1", "k0"],
    ]  # fmt: skip
    first = told[0].items[0]
    assert (first.stage, first.reason, first.error, first.attempts) == ("cleaner", "bug", "boom 10", 1)
    assert "no-store" in admin.get("/v1/dead-letters").headers["cache-control"]


def test_filters_look_further_back_page_by_page(
    admin: httpx.Client, letters: Letters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOKED_AT", 2)
    rare = letter("rare", stage="fetcher", reason=DeadLetterReason.TOO_LARGE)
    letters.bury(rare, *(letter(f"k{number}") for number in range(12)), rare)
    pages = list(follow(admin, "/v1/dead-letters?reason=too-large&stage=fetcher"))
    assert sum(len(page["items"]) for page in pages) == 2
    assert len(pages) > 2
    assert_problem(admin.get("/v1/dead-letters?reason=none"), 400, "reason")
    assert_problem(admin.get("/v1/dead-letters?cursor=x"), 400, "cursor")


def test_one_letter_whole(admin: httpx.Client, letters: Letters) -> None:
    letters.bury(letter(HOSTILE, HOSTILE.encode(), error=f"Trace\n{HOSTILE}", headers=(("ce_id", b"1"),)))
    where = admin.get("/v1/dead-letters").json()["items"][0]["id"]
    found = LetterAnswer.model_validate_json(admin.get(f"/v1/dead-letters/{where}").content)
    assert found.header_lines == ["ce_id: 1"]
    assert found.error_lines[0] == "Trace"
    assert any("<script>" in line for line in found.value_lines)
    assert "\x1b" not in "".join((*found.value_lines, *found.error_lines, found.key))
    assert_problem(admin.get("/v1/dead-letters/9/0"), 404, "partition 9")
    assert_problem(admin.get("/v1/dead-letters/0/999"), 404, "no such letter")


def test_a_letter_that_is_very_long_ends_early(admin: httpx.Client, letters: Letters) -> None:
    letters.bury(letter("long", b"[" + b"1,\n" * 100_000 + b"1]"))
    where = admin.get("/v1/dead-letters").json()["items"][0]["id"]
    shown = admin.get(f"/v1/dead-letters/{where}").json()["value_lines"]
    assert len(shown) == module.SHOWN_LINES + 1
    assert "there is more" in shown[-1]


def test_back_to_the_stage_that_gave_it_up(admin: httpx.Client, letters: Letters) -> None:
    key = unique("key")
    gone = letter("gone", topic="no-such-topic", stage="reader")
    letters.bury(letter(key, b"whole"), gone)
    ids = [each["id"] for each in admin.get("/v1/dead-letters").json()["items"]]
    answer = ReplayAnswer.model_validate_json(admin.post("/v1/dead-letters/replay", json={"ids": ids}).content)
    assert answer.replayed == 1
    assert [(each.letters, "no topic no-such-topic" in each.why) for each in answer.stayed] == [(1, True)]
    back = letters.read("cleaner.retry.short", range(FETCHED.partitions))
    assert [(each.key, each.value) for each in back if each.key == key.encode()] == [(key.encode(), b"whole")]
    assert_problem(admin.post("/v1/dead-letters/replay", json={"ids": ["0/999"]}), 404)
    assert_problem(admin.post("/v1/dead-letters/replay", json={"ids": ["x"]}), 400, "partition/offset")
    assert_problem(admin.post("/v1/dead-letters/replay", json={"ids": []}), 400)


def test_the_pages(browser: httpx.Client, letters: Letters) -> None:
    assert words(get(browser, "/dead-letters"), "h2") == ["No dead letters"]
    key = unique("key")
    letters.bury(letter(HOSTILE, HOSTILE.encode(), error=HOSTILE), letter(key, b"whole"))
    page = get(browser, "/dead-letters")
    boxes = [each["name"] or "" for each in page.all("input") if each.get("type") == "checkbox"]
    assert len(boxes) == 2
    whole = get(browser, f"/dead-letters/{boxes[1].removeprefix('letter:')}")
    assert HOSTILE.split("\x1b", maxsplit=1)[0] in " ".join(words(whole, "pre"))
    done = browser.post("/dead-letters/replay", data={boxes[0]: "on"}, headers=OURS)
    assert "1 letter replayed" in done.text
    back = letters.read("cleaner.retry.short", range(FETCHED.partitions))
    assert key.encode() in {each.key for each in back}
    assert browser.post("/dead-letters/replay", headers=OURS, data={"x": "y"}).status_code == 400


def test_brokers_that_are_away(store: Store) -> None:
    away = Operating(letters=DeadLetters(Brokers("127.0.0.1:9")))
    for operating, said in ((away, "brokers cannot be used"), (Operating(), "without brokers")):
        with serving(create_app(store, ApiSettings(admin_key=ADMIN), operating=operating)) as url:
            answer = httpx.get(f"{url}/v1/dead-letters", headers=bearer(ADMIN), timeout=60)
            assert_problem(answer, 503, said)
            assert "retry-after" in answer.headers


def test_a_place_in_the_list() -> None:
    assert parse_ends(ends_text({2: 7, 0: 0})) == {0: 0, 2: 7}
    for wrong in ("", "0", "0:", "a:1", "0:1;1:2", "0:1,", ",".join(f"{number}:1" for number in range(101)), "٣:1"):
        with pytest.raises(ValueError, match="no place"):
            parse_ends(wrong)
