"""The pages, as a browser without scripts sees them."""

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx
import pytest

from copydesk_api.parameters import PAGE_LIMIT
from copydesk_api.store import Store
from copydesk_api.web.pages import UNFOLDED
from copydesk_shared.messages import Image, RelatedLink, Source
from copydesk_shared.tags import Evidence
from tests.api.samples import CAPTION, COURIER, TAIL, article, fused_article, tag

VOID = {"meta", "link", "input", "br", "img", "hr"}
CLOSED_BY_PARENT = {"option"}
HTML = {"accept": "text/html"}


@pytest.fixture
def database(tmp_path: Path) -> str:
    """The pages are the same on both databases; the calls they are made of are tested on both."""
    return f"sqlite:///{tmp_path / 'api.db'}"


class Page(HTMLParser):
    """What of a page the tests ask for. Complains about an element that is closed in the wrong place."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == [], f"not closed: {self._open}"

    def handle_starttag(self, name: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((name, dict(attributes)))
        if name not in VOID:
            self._open.append(name)
            self.texts.setdefault(name, []).append("")

    def handle_endtag(self, name: str) -> None:
        assert self._open, f"</{name}> closes nothing"
        assert self._open.pop() == name

    def handle_data(self, data: str) -> None:
        for name in self._open:
            self.texts[name][-1] += data

    def all(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for element, attributes in self.elements if element == name]

    def links(self) -> list[str]:
        return [attributes["href"] or "" for attributes in self.all("a")]


def get(client: httpx.Client, url: str, status: int = 200) -> Page:
    answer = client.get(url, headers=HTML)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    page = Page(answer.text)
    assert all(
        (each.get("src") or "").startswith("/static/") or each.get("type") == "application/ld+json"
        for each in page.all("script")
    )
    assert not any(
        "style" in attributes or any(name.startswith("on") for name in attributes) for _, attributes in page.elements
    )
    return page


def words(page: Page, element: str) -> list[str]:
    return [" ".join(text.split()) for text in page.texts.get(element, [])]


def test_the_feed(client: httpx.Client, store: Store) -> None:
    store.write([("fused", fused_article()), ("b", article("b", source=COURIER, tags=(), minutes=-5))], {})
    page = get(client, "/")
    assert words(page, "h2") == ["Cargo plane hit over the strait", "Title of b"]
    shown = " ".join(words(page, "ol"))
    assert "A cargo plane was hit over the strait on Tuesday, two officials said." in shown
    assert "1 Mar 2026, 12:00 UTC" in shown
    assert "Northern Courier" in shown
    assert "4 removed" in shown
    assert [each["datetime"] for each in page.all("time")] == ["2026-03-01T12:00:00+00:00", "2026-03-01T11:55:00+00:00"]
    assert {
        "/articles/fused",
        "/articles/fused?removed=1",
        "/?tag=aviation",
        "/?domain=northerncourier.example",
    } <= set(page.links())
    assert page.all("html") == [{"lang": "en"}]


def test_every_link_of_the_feed_works(client: httpx.Client, store: Store) -> None:
    store.write([("fused", fused_article())], {})
    for url in get(client, "/?tag=conflict&q=cargo").links():
        answer = client.get(urljoin("/", url), headers=HTML)
        assert answer.status_code == 200, url


def test_tags_filter_and_are_left_out_again(client: httpx.Client, store: Store) -> None:
    store.write([("a", article("a", tags=("conflict", "aviation"))), ("b", article("b", tags=("conflict",)))], {})
    page = get(client, "/?tag=aviation&q=copy")
    assert words(page, "h2") == ["Title of a"]
    chosen = [each for each in page.all("a") if each.get("aria-current") == "true"]
    assert [each["href"] for each in chosen] == ["/?q=copy"]
    assert "/?tag=aviation&q=copy&tag=conflict" in page.links()
    hidden = [(each["name"], each["value"]) for each in page.all("input") if each.get("type") == "hidden"]
    assert hidden == [("tag", "aviation")]
    assert next(each["value"] for each in page.all("input") if each["name"] == "q") == "copy"
    assert "/v1/feed.json?tag=aviation&q=copy" in page.links()


def test_whatever_narrows_the_feed_is_told(client: httpx.Client, store: Store) -> None:
    store.write([("a", article("a"))], {})
    page = get(client, "/?published_from=2026-01-01&access=full&dedupe=lead&order=oldest&language=en&tag=conflict")
    told = next(each for each in words(page, "p") if each.startswith("With "))
    assert told == "With language en, published from 2026-01-01, access full, dedupe lead, order oldest · show all"
    assert not any(each.startswith("With ") for each in words(get(client, "/?tag=conflict&q=copy"), "p"))


def test_of_many_tags_the_frequent_ones_are_shown_and_the_others_folded(client: httpx.Client, store: Store) -> None:
    tags = [f"tag-{number}" for number in range(UNFOLDED + 3)]
    store.write([("a", article("a", tags=tags)), ("b", article("b", tags=tags[-1:]))], {})
    page = get(client, "/?tag=tag-1")
    assert words(page, "summary") == ["3 more"]
    assert [each["href"] for each in page.all("a") if each.get("aria-current") == "true"] == ["/"]
    assert {f"/?tag=tag-1&tag={tag}" for tag in tags if tag != "tag-1"} <= set(page.links())


def test_walking_to_older_articles(client: httpx.Client, store: Store) -> None:
    count = PAGE_LIMIT + 7
    store.write([(f"a{number}", article(f"a{number}", minutes=number)) for number in range(count)], {})
    first = get(client, "/?tag=conflict")
    older = next(url for url in first.links() if "cursor=" in url)
    assert dict(parse_qsl(urlsplit(older).query))["tag"] == "conflict"
    second = get(client, older)
    found = words(first, "h2") + words(second, "h2")
    assert found == [f"Title of a{number}" for number in range(count - 1, -1, -1)]
    assert not any("cursor=" in url for url in second.links())
    assert words(second, "nav")[-1] == "Newest"


def test_an_empty_feed_and_a_search_without_result(client: httpx.Client, store: Store) -> None:
    assert "No articles yet" in words(get(client, "/"), "h2")
    store.write([("a", article("a"))], {})
    assert "Nothing here" in words(get(client, "/?q=unheard"), "h2")


def test_an_article(client: httpx.Client, store: Store) -> None:
    store.write([("fused", fused_article())], {})
    page = get(client, "/articles/fused")
    assert words(page, "h1") == ["Cargo plane hit over the strait"]
    assert words(page, "mark") == ["Cargo plane", "cargo", "plane", "was hit", "prisoner swap"]
    assert words(page, "q") == ["Cargo plane", "cargo plane", "plane was hit", "prisoner swap"]
    assert "By Ada Quill, Bo Nib" in words(page, "p")
    assert words(page, "figcaption") == [
        f"{CAPTION} HARBOUR BOARD HANDOUT/Gull PicturesGull Pictures",
        "A second picture",
    ]
    assert "https://harbourgull.example/fused" in page.links()
    assert not page.all("del")
    assert TAIL not in " ".join(words(page, "body"))
    assert "/articles/fused?removed=1" in page.links()
    assert "/v1/articles/fused" in page.links()


def test_what_was_removed_stands_in_its_place(client: httpx.Client, store: Store) -> None:
    store.write([("fused", fused_article())], {})
    page = get(client, "/articles/fused?removed=1")
    assert words(page, "del") == [
        "READ MORE: Ferry row over the empty berths",
        CAPTION,
        "(HARBOUR BOARD HANDOUT/Gull Pictures)",
        TAIL,
    ]
    body = " ".join(words(page, "article"))
    order = [
        "two officials said.",
        "READ MORE",
        "related.read-more",
        CAPTION,
        "caption.fused",
        "credit.fused",
        "The pilots",
        TAIL,
        "promotion.letter",
    ]
    places = [body.index(text) for text in order]
    assert places == sorted(places)
    assert page.links().count("#picture-1") == 2, "caption and credit say where they went"
    assert "picture-1" in {each["id"] for each in page.all("figure")}
    assert "/articles/fused" in page.links()


HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&"


def test_nothing_of_an_article_becomes_markup(client: httpx.Client, store: Store) -> None:
    evil = Evidence(rule=HOSTILE, text=HOSTILE, field="text", start=0, end=len(HOSTILE), weight=1)
    hostile = article(
        "evil", text=HOSTILE, title=HOSTILE, source=Source(name=HOSTILE, domain=HOSTILE), language='e"n'
    ).model_copy(
        update={
            "authors": (HOSTILE,),
            "url": "javascript:alert(3)",
            "canonical_url": "javascript:alert(4)",
            "tags": (tag(HOSTILE, evil),),
            "images": (Image(url="javascript:alert(5)", caption=HOSTILE, credit=HOSTILE, agencies=(HOSTILE,)),),
            "related_links": (
                RelatedLink(title=HOSTILE, url="data:text/html,x"),
                RelatedLink(title="ok", url="http://ok.example/"),
            ),
        }
    )
    store.write([("evil", hostile)], {})
    for url in ("/", "/articles/evil?removed=1", f"/?q={HOSTILE.replace('&', '%26').replace('#', '')}"):
        page = get(client, url)
        assert HOSTILE in page.texts["body"][0]
        assert not page.all("img")
        assert all(urlsplit(link).scheme in ("", "http", "https") for link in page.links())
        assert not any("alert(3)" in link or "alert(4)" in link or "alert(5)" in link for link in page.links())


def test_a_page_that_is_not_there(client: httpx.Client, store: Store) -> None:
    store.write([("a", article("a")), ("a", None)], {})
    assert words(get(client, "/articles/nope", 404), "h1") == ["Not Found"]
    assert words(get(client, "/articles/a", 410), "h1") == ["Gone"]
    assert words(get(client, "/nothing", 404), "h1") == ["Not Found"]
    bad = get(client, "/?tga=<b>", 400)
    assert any("did you mean 'tag'?" in text for text in words(bad, "p"))
    assert not bad.all("b")
    assert client.get("/nothing").headers["content-type"] == "application/problem+json"
    assert client.get("/v1/nothing", headers=HTML).headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("query", "is_live"),
    [("", True), ("tag=aviation&language=en", True), ("q=plane", False), ("published_from=7d", False), ("order=oldest", False)],
)  # fmt: skip
def test_a_list_is_live_where_the_stream_can_tell_it(sqlite_client: httpx.Client, query: str, is_live: bool) -> None:
    told = [each["data-stream"] or "" for each in get(sqlite_client, f"/?{query}").all("p") if "data-stream" in each]
    assert bool(told) == is_live
    assert all(sqlite_client.head(url).status_code == 200 for url in told)


def test_the_reference_needs_nothing_from_elsewhere(sqlite_client: httpx.Client) -> None:
    page = get(sqlite_client, "/docs")
    document = sqlite_client.get("/openapi.json").json()
    for path, calls in document["paths"].items():
        for method in calls:
            assert f"{method.upper()} {path}" in words(page, "h3")
    for _, attributes in page.elements:
        for name in ("src", "href", "action"):
            assert not (attributes.get(name) or "").startswith(("http", "//")), attributes
    fields = {each["name"] for each in page.all("input") + page.all("select")}
    assert {"tag", "tag_mode", "q", "cursor", "after", "limit", "domain", "language", "source"} <= fields
    anchors = {each["id"] for _, each in page.elements if "id" in each}
    assert {"invalid-cursor", "invalid-parameter", "gone", "not-found", "unavailable"} <= anchors
    assert all(url[1:] in anchors for url in page.links() if url.startswith("#"))
    assert len([each for _, each in page.elements if "id" in each]) == len(anchors), "each is there once"


def test_a_form_of_the_reference_can_be_sent_empty(sqlite_client: httpx.Client) -> None:
    names = ["tag", "tag_mode", "q", "source", "domain", "language", "cursor", "limit"]
    assert len(sqlite_client.get("/v1/articles", params=dict.fromkeys(names, "")).json()["items"]) == 2


@pytest.mark.parametrize(("path", "kind"), [("copydesk.css", "text/css"), ("icon.svg", "image/svg+xml")])
def test_what_the_pages_load_is_there(sqlite_client: httpx.Client, path: str, kind: str) -> None:
    answer = sqlite_client.get(f"/static/{path}")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(kind)
