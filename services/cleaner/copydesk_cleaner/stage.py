"""The cleaner: a page in, an article out, and every cut accounted for. Pure: no I/O, no clock, no settings."""

import gc
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from copydesk_cleaner.extract import Extracted, extract
from copydesk_cleaner.fields import content_hash, word_count
from copydesk_cleaner.languages import language_of
from copydesk_cleaner.metadata import Metadata
from copydesk_cleaner.missing import is_missing
from copydesk_cleaner.never_empty import with_words
from copydesk_cleaner.pictures import merged
from copydesk_cleaner.related_links import related_links
from copydesk_cleaner.rulebook import Source, digest
from copydesk_cleaner.rules import families_with, tidy
from copydesk_cleaner.sample import sample
from copydesk_cleaner.similarity import simhash
from copydesk_cleaner.sources import attribution_of, authors_of, signed_by
from copydesk_cleaner.story import Context, Family, Finding, Settled, Story, settle
from copydesk_cleaner.version import CLEANER_VERSION
from copydesk_cleaner.walls import ends_at_wall
from copydesk_shared.errors import DropReason
from copydesk_shared.messages import Access, Article, Page, Removal
from copydesk_shared.stage import Drop, Emit, Stage
from copydesk_shared.topics import CLEANED, FETCHED

YOUNG_OBJECTS = 20_000  # more than the elements of most pages
# From all of the story to nothing of it.
STRICTER: tuple[Access, ...] = ("full", "partial", "paywall", "consent")


def clean(page: Page) -> Emit[Article] | Drop:
    """The article of a page, or a drop when nothing is left. Raises :class:`Poison` for a page that is too large."""
    return clean_by(page, families_with(), CLEANER_VERSION)


def clean_by(page: Page, families: Sequence[Family], version: str) -> Emit[Article] | Drop:
    """The same by these families of rules, the version of which is named in the article."""
    extracted, title, story = _read(page, families)
    if is_missing(extracted.metadata, extracted.headings, extracted.text, is_plain=page.content_type == "text/plain"):
        return Drop(DropReason.NOT_FOUND, "the page says that there is no such page")
    settled = settle(story.text, story.cuts())
    if not settled.paragraphs:
        return Drop(DropReason.NO_ARTICLE, "no text was left" if extracted.text else "no text was found")
    metadata = extracted.metadata
    text = "\n".join(settled.paragraphs)
    language, confidence = language_of(text, metadata.language)
    authors, attribution = signed_by(
        (metadata.authors, page.entry_authors, authors_of(_in_order(story))),
        (*metadata.attribution, *attribution_of(_in_order(story))),
    )
    return Emit(
        Article(
            article_id=page.article_id,
            revision=page.revision,
            url=page.url,
            canonical_url=page.canonical_url,
            feed_id=page.feed_id,
            source=page.source.model_copy(update={"name": _source_name(page, metadata.site)}),
            title=title,
            authors=authors,
            attribution=attribution,
            published_at=metadata.published_at or page.entry_published_at,
            modified_at=metadata.modified_at,
            fetched_at=page.fetched_at,
            language=language,
            language_confidence=confidence,
            section=metadata.section,
            keywords=metadata.keywords,
            lead_image=metadata.lead_image,
            paragraphs=settled.paragraphs,
            word_count=word_count(settled.paragraphs),
            images=merged(metadata.images, [finding.image for finding in story.findings if finding.image]),
            related_links=related_links(
                [finding.link for finding in _in_order(story) if finding.link],
                extracted.related,
                (*metadata.titles, title, *settled.paragraphs),
                (extracted.links, extracted.addresses),
                page.url,
            ),
            removals=settled.removals,
            access=_access(page.access, kept_back=_is_kept_back(metadata, settled, story)),
            rights=page.rights,
            content_hash=content_hash(title, settled.paragraphs),
            simhash=simhash(text),
            cleaner_version=_version(version, page),
        )
    )


def _read(page: Page, families: Sequence[Family]) -> tuple[Extracted, str, Story]:
    """What the page holds, its title, and its text with all that the families find in it."""
    extracted = extract(page)
    title = extracted.metadata.title or page.entry_title
    return extracted, title, story_of(extracted, context_of(extracted, title, page), families)


def story_of(extracted: Extracted, context: Context, families: Sequence[Family]) -> Story:
    """The text with all that the families find in it. That of feeds, or of a file, is never emptied."""
    story = tidy(extracted.text, context, families)
    return with_words(story, context, families) if extracted.is_whole else story


def cuts_by(page: Page, families: Sequence[Family]) -> tuple[str, tuple[Removal, ...]]:
    """The text of the page and all that is cut of it, for people, who want to see it also where nothing is left."""
    _, _, story = _read(page, families)
    return story.text, settle(story.text, story.cuts()).removals


def context_of(extracted: Extracted, title: str, page: Page) -> Context:
    """What is known besides the text of a page whose title is this."""
    return Context(
        titles=tuple(dict.fromkeys((*extracted.metadata.titles, title, page.entry_title))),
        known_titles=(*page.known_titles, *(link.title for link in extracted.related)),
        host_lines=frozenset(page.host_lines),
        captions=extracted.captions,
        alternatives=extracted.alternatives,
        links=extracted.links,
        pointers=extracted.addresses,
        headings=extracted.headings,
        authors=extracted.metadata.authors or page.entry_authors,
        keywords=tuple(filter(None, (*extracted.metadata.keywords, extracted.metadata.section))),
    )


def _in_order(story: Story) -> list[Finding]:
    return sorted(story.findings, key=lambda finding: finding.cuts[0].start)


def _version(version: str, page: Page) -> str:
    """That of the rules, and that of what was remembered of the host where it could have cut: as build metadata of a
    semantic version.
    """
    if not page.host_lines:
        return version
    return f"{version}{'.' if '+' in version else '+'}host.{page.host_memory}"


def _source_name(page: Page, site: str) -> str:
    """The name of the source, or the one that the site gives itself where only its domain is known."""
    return site if site and page.source.name in {"", page.source.domain} else page.source.name


def _is_kept_back(metadata: Metadata, settled: Settled, story: Story) -> bool:
    return metadata.paywalled or ends_at_wall(settled.paragraphs, story.findings, story.text)


def _access(fetched: Access, *, kept_back: bool) -> Access:
    """What the page says, or what the fetcher saw where that is stricter."""
    return max("paywall" if kept_back else "full", fetched, key=STRICTER.index)


@dataclass(frozen=True)
class Cleaner:
    """The handler with an operator's rule files. It carries their text, so each worker process has the same rules."""

    extra: tuple[Source, ...]

    @cached_property
    def version(self) -> str:
        """The cleaner's version and the digest of the files, so that what an article is made by can be told."""
        return f"{CLEANER_VERSION}+rules.{digest(self.extra)}" if self.extra else CLEANER_VERSION

    def cuts(self, page: Page) -> tuple[str, tuple[Removal, ...]]:
        """The text of the page and all that these rules cut of it. Raises :class:`Poison` as the handler does."""
        return cuts_by(page, families_with(self.extra))

    def prepare(self) -> None:
        """Load what the first page would wait for, the model of languages above all: a second of processor time.

        From then on Python looks for garbage among what pages leave behind only, and after many of their elements:
        by its own count it looks several times a page, which is a twentieth of the time.
        """
        self(sample())
        gc.collect()
        gc.freeze()
        gc.set_threshold(YOUNG_OBJECTS)

    def __call__(self, page: Page) -> Emit[Article] | Drop:
        return clean_by(page, families_with(self.extra), self.version)


STAGE = Stage("cleaner", version=CLEANER_VERSION, source=FETCHED, sink=CLEANED, handle=Cleaner(()))


def stage_with(extra: tuple[Source, ...]) -> Stage[Page, Article]:
    """The stage with an operator's rule files, which must have been checked."""
    if not extra:
        return STAGE
    handler = Cleaner(extra)
    return Stage("cleaner", version=handler.version, source=FETCHED, sink=CLEANED, handle=handler)
