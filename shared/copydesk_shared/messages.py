"""The messages on the topics: frozen pydantic models, JSON on the wire.

Readers ignore fields they do not know, so a newer writer does not break an older reader. Times are aware and in UTC.
URLs are plain strings, checked once where they enter.
"""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Base64Bytes, Field, computed_field

from copydesk_shared.message import Message
from copydesk_shared.tags import Tag

PARAGRAPH_BREAK = "\n"
# What the cleaner takes of a page, and of the text of an article: more is no news story.
PAGE_CHARACTERS = 6_000_000
TEXT_CHARACTERS = 1_000_000

Access = Literal["full", "partial", "paywall", "consent"]


class Source(Message):
    """Who published it: a name for people and the registrable domain."""

    name: str
    domain: str


class Feed(Message):
    """A source polled on a schedule. ``content`` says where the article text is taken from."""

    feed_id: str
    url: str
    name: str
    interval_seconds: int = 900
    """Seconds between two polls; where they begin when the interval adapts."""
    content: Literal["auto", "page", "feed"] = "auto"
    adapts: bool = False
    """Whether the interval follows how often the feed has news, within the fetcher's bounds."""
    kind: Literal["auto", "feed", "sitemap", "site"] = "auto"
    """What the URL leads to; ``auto`` finds out. A site is asked for its feeds and sitemaps."""
    off_site: Literal["drop", "follow"] = "drop"
    """What becomes of links to other registrable domains than the feed's: mostly they are advertisements."""
    websub: bool = True
    """Whether to subscribe to the feed's hub, where it names one."""
    paused: bool = False
    """Not polled until somebody says otherwise."""
    moved_from: str | None = None
    """The URL it was given with, where a permanent redirect has moved it since."""


class SeenEntry(Message):
    """What the poller remembers of an entry: the revision last emitted and a digest of what the feed said."""

    revision: int
    """0 while it was passed over and not emitted: a link to another site."""
    fingerprint: str
    link: str = ""
    """A digest of the entry's URL, for feeds that give their entries new ids."""


class ChildState(Message):
    """What the poller remembers of a sitemap that an index names."""

    etag: str | None = None
    last_modified: str | None = None
    body_digest: str | None = None
    changed_at: AwareDatetime | None = None
    """As the index says."""


class HubState(Message):
    """The subscription of a feed at its hub (WebSub, W3C Recommendation of 2018)."""

    hub: str
    topic: str
    """The feed's URL as the hub knows it."""
    requested_at: AwareDatetime
    verified_at: AwareDatetime | None = None
    lease_until: AwareDatetime | None = None
    """When the hub stops pushing unless it is asked again."""
    pushed_at: AwareDatetime | None = None
    """When it pushed last."""
    next_request_at: AwareDatetime | None = None
    """When the hub is asked again: for a renewal, or because it denied, failed or never confirmed."""
    callback_id: str | None = None
    """A digest of the address that the hub was told to push to; that is asked for anew when it changes."""
    failures: int = 0
    last_error: str | None = None


class FeedState(Message):
    """Poll state of one feed. ``seen`` is a bounded window, keyed by the entry's id in the feed, oldest first."""

    feed_id: str
    etag: str | None = None
    """The validator of the last answer, sent back as If-None-Match."""
    last_modified: str | None = None
    """The date of the last answer, sent back as If-Modified-Since."""
    next_poll_at: AwareDatetime
    last_poll_at: AwareDatetime | None = None
    last_success_at: AwareDatetime | None = None
    failures: int = 0
    """Polls that failed since the last one that did not."""
    last_error: str | None = None
    failure_kind: Literal["temporary", "permanent", "gone"] | None = None
    failing_since: AwareDatetime | None = None
    """The first of the failures of this kind in a row."""
    disabled: str | None = None
    """Why it is not polled any more, until its definition changes."""
    interval_seconds: float | None = None
    """Seconds between two polls as they are now, for a feed whose interval adapts."""
    body_digest: str | None = None
    """A digest of the last body, for servers that ignore validators."""
    warning: str | None = None
    """What is wrong with the feed though it could be read."""
    entries_seen: int = 0
    """New entries so far."""
    skip_hours: tuple[int, ...] = ()
    """Hours of the day, UTC, in which the feed asks not to be polled."""
    skip_days: tuple[int, ...] = ()
    """Days of the week, UTC, on which it asks not to be polled; Monday is 0."""
    source_url: str | None = None
    """Where the entries are found, when that is not the feed's own URL: what a site or a redirect led to."""
    children: dict[str, ChildState] = Field(default_factory=dict)
    """The sitemaps of an index, by URL; bounded."""
    hub: HubState | None = None
    seen: dict[str, SeenEntry] = Field(default_factory=dict)


class HostState(Message):
    """What the fetcher keeps of a registrable domain, for whoever owns it next and for operators."""

    domain: str
    held_until: AwareDatetime | None = None
    """No request before, because the host asked to be left alone."""
    delay_seconds: float = 0.0
    """Least time between the starts of two requests: ours, or what robots.txt asks for."""
    queued: int = 0
    """Entries that wait for their turn, or wait in a retry topic for one."""
    last_status: int | None = None
    """The status of the last answer; ``None`` when the last request had none."""
    last_error: str | None = None
    last_request_at: AwareDatetime | None = None
    requests: int = 0
    """Requests so far, by all owners."""


class HostMemory(Message):
    """What recurs on the pages of a registrable domain. Bounded; older pages count less and less.

    ``lines`` maps digests of lines (:func:`copydesk_shared.lines.line_digest`) to on how many of the ``pages`` that
    were looked at they stood.
    """

    domain: str
    version: int
    """Counts the times that what is called recurring changed."""
    pages: int
    lines: dict[str, int] = Field(default_factory=dict)
    titles: tuple[str, ...] = ()
    """Titles that feeds gave to pages of this domain, the latest last."""


class KnownPage(Message):
    """A page that was fetched: what keeps one article of many feeds from being fetched for each of them."""

    page_id: str
    """The digest of an address of the page, in its canonical spelling."""
    url: str
    revision: int
    """The revision last emitted."""
    fetched_at: AwareDatetime
    feeds: dict[str, int] = Field(default_factory=dict)
    """The last revision of each feed's entry that was looked at; bounded."""


class Push(Message):
    """What a hub said of a feed: that a subscription stands (``lease_seconds``), was denied, or that there is news."""

    feed_id: str
    kind: Literal["verified", "denied", "content"]
    topic: str
    """The feed's URL as the hub knows it; empty where a hub pushes without saying it."""
    place: str = ""
    """The registrable domain that the feed is placed by; its topic may lie at another."""
    received_at: AwareDatetime
    lease_seconds: int | None = None
    reason: str = ""
    content_type: str = ""
    body: Base64Bytes = b""
    """The feed, as the hub pushed it."""


class Entry(Message):
    """One item seen in a feed: a URL plus what the feed says of it.

    ``content`` is the full text that the feed carried (HTML or plain), if the feed is to be used instead of the page.
    ``known_titles`` are the titles of other entries of the same feed; a body line equal to one of them is a link.
    """

    feed_id: str
    url: str
    source: Source
    title: str = ""
    summary: str = ""
    authors: tuple[str, ...] = ()
    published_at: AwareDatetime | None = None
    """As the feed says."""
    updated_at: AwareDatetime | None = None
    discovered_at: AwareDatetime
    """When the poller saw it."""
    revision: int = 1
    """Counts what the feed changed in this entry, from 1."""
    content: str | None = None
    content_type: Literal["text/html", "text/plain"] | None = None
    known_titles: tuple[str, ...] = ()
    is_off_site: bool = False
    """Whether the link leads to another registrable domain than that of the feed."""
    hops: int = 0
    """Redirects to other registrable domains that it has come by."""


class Rights(Message):
    """Reservations the publisher declared. ``None`` means not looked at, the empty text that nothing was declared."""

    robots: str | None = None
    """What robots.txt, ``X-Robots-Tag`` and the robots meta tags say of us, as comma-separated directives."""
    tdm: str | None = None
    """Text and data mining (TDMRep): ``reserved`` or ``reserved <policy URL>``, or ``granted``."""


class Page(Message):
    """What an entry's URL returned, raw, or the text that the feed carried (``content_type`` tells which)."""

    article_id: str
    """A digest of ``canonical_url``: 20 characters that are safe in a URL."""
    revision: int = 1
    """That of the entry."""
    url: str
    """Where it was downloaded from, after redirections."""
    canonical_url: str
    """One spelling for all addresses of the page, without tracking parameters."""
    feed_id: str | None = None
    source: Source
    content_type: Literal["text/html", "text/plain"]
    content: str
    fetched_at: AwareDatetime
    entry_title: str = ""
    entry_authors: tuple[str, ...] = ()
    entry_published_at: AwareDatetime | None = None
    known_titles: tuple[str, ...] = ()
    """Titles of other entries of the feed, and of other pages of the host."""
    host_lines: tuple[str, ...] = ()
    """Digests of the lines that recur on pages of the host (:func:`copydesk_shared.lines.line_digest`)."""
    host_memory: int = 0
    """The version of what is remembered of the host; 0 where nothing is."""
    access: Access = "full"
    """``full`` unless what was returned, or the markup in it, says that the story is kept back."""
    rights: Rights = Rights()


class Image(Message):
    """A picture of the story. ``credit`` is the credit as printed, ``agencies`` what it names."""

    url: str | None = None
    """Absolute, where the page says it."""
    caption: str = ""
    credit: str = ""
    agencies: tuple[str, ...] = ()


class RelatedLink(Message):
    """A pointer to another story that stood in this one."""

    title: str
    url: str | None = None


class Removal(Message):
    """A span that the cleaner cut.

    ``start`` and ``end`` are character offsets in the extracted text, that is the text before any cut; ``text`` is what
    stood there. ``paragraph`` is the index of the paragraph of the article in which the cut lies, or before which it
    lies when it took a whole line (it equals the number of paragraphs when the cut lies after the last one).
    :func:`copydesk_shared.removals.restore` puts all of them back.
    """

    rule: str
    """The name of the rule that cut."""
    kind: Literal["caption", "credit", "related-link", "title", "promotion", "boilerplate", "whitespace"]
    text: str
    paragraph: int
    start: int
    end: int


class Article(Message):
    """What the cleaner made of a page.

    ``url`` is absolute, or ``urn:sha256:...`` of the text when text was handed in without an address.
    """

    article_id: str
    """A digest of ``canonical_url``: the same article through two feeds is one article."""
    revision: int = 1
    """Later versions of an article have higher ones. Of two messages with one id the higher revision counts."""
    url: str
    canonical_url: str
    """One spelling for all addresses of the page, without tracking parameters."""
    feed_id: str | None = None
    """The feed it was found in; ``None`` when it was handed in."""
    source: Source
    title: str = ""
    authors: tuple[str, ...] = ()
    attribution: tuple[str, ...] = ()
    """Agencies and desks that the text names as where it is from, as printed."""
    published_at: AwareDatetime | None = None
    """As the page says, else as the feed says."""
    modified_at: AwareDatetime | None = None
    fetched_at: AwareDatetime
    """When the page was downloaded."""
    language: str | None = None
    """The primary subtag of its BCP 47 tag: ``en``. As the page says, else by its letters."""
    language_confidence: Annotated[float, Field(ge=0, le=1)] | None = None
    """How sure the language is, from what the page says and from its letters; ``None`` where it is not known."""
    section: str = ""
    """The part of the publication, as the page says."""
    keywords: tuple[str, ...] = ()
    """The publisher's own tags."""
    paragraphs: tuple[str, ...]
    """The story without what was cut, a line each."""
    word_count: int
    lead_image: str | None = None
    """The address of the picture that the page shows with links to it; absolute."""
    images: tuple[Image, ...] = ()
    related_links: tuple[RelatedLink, ...] = ()
    removals: tuple[Removal, ...] = ()
    access: Access = "full"
    """``full`` unless the page says that the story, or a part of it, is kept back."""
    rights: Rights = Rights()
    content_hash: str
    """SHA-256 of title and paragraphs in hexadecimal: it changes when what is read changes."""
    simhash: str
    """64 bits in hexadecimal; texts that are nearly the same differ in few of them."""
    cleaner_version: str
    """The version of the rules that cut."""

    @computed_field  # type: ignore[prop-decorator]
    @property
    def text(self) -> str:
        """The paragraphs, one a line. Evidence offsets count in this."""
        return PARAGRAPH_BREAK.join(self.paragraphs)


class ClassifiedArticle(Article):
    """An article with its tags; ``candidates`` came close to their threshold and are not tags."""

    tags: tuple[Tag, ...] = ()
    candidates: tuple[Tag, ...] = ()
    unsupported_language: bool = False
    """Whether no tag of the taxonomy knows the article's language; it then has no tags."""
    classifier_version: str
    """The version of the engine, and digests of the taxonomy, the weights and the calibration."""
