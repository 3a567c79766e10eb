"""The cleaner: a page in, an article out, and every cut accounted for. Pure: no I/O, no clock, no settings."""

from copydesk_cleaner.extract import Extracted, extract, simhash
from copydesk_cleaner.fields import content_hash, word_count
from copydesk_cleaner.languages import language_of
from copydesk_cleaner.metadata import Metadata
from copydesk_cleaner.people import clean_authors
from copydesk_cleaner.pictures import merged
from copydesk_cleaner.rules import tidy
from copydesk_cleaner.story import Context, Finding, Story, settle
from copydesk_cleaner.version import CLEANER_VERSION
from copydesk_shared.errors import DropReason
from copydesk_shared.messages import Access, Article, Page, RelatedLink
from copydesk_shared.stage import Drop, Emit, Stage
from copydesk_shared.topics import CLEANED, FETCHED

# From all of the story to nothing of it.
STRICTER: tuple[Access, ...] = ("full", "partial", "paywall", "consent")


def clean(page: Page) -> Emit[Article] | Drop:
    """The article of a page, or a drop when nothing is left. Raises :class:`Poison` for a page that is too large."""
    extracted = extract(page)
    title = extracted.metadata.title or page.entry_title
    story = tidy(extracted.text, _context(extracted, title, page))
    settled = settle(story.text, story.cuts())
    if not settled.paragraphs:
        return Drop(DropReason.NO_ARTICLE, "no text was left" if extracted.text else "no text was found")
    metadata = extracted.metadata
    text = "\n".join(settled.paragraphs)
    language, confidence = language_of(text, metadata.language)
    return Emit(
        Article(
            article_id=page.article_id,
            revision=page.revision,
            url=page.url,
            canonical_url=page.canonical_url,
            feed_id=page.feed_id,
            source=page.source,
            title=title,
            authors=metadata.authors or page.entry_authors or _bylines(story),
            attribution=_attribution(story),
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
            related_links=_links(story),
            removals=settled.removals,
            access=_access(metadata, page.access),
            rights=page.rights,
            content_hash=content_hash(title, settled.paragraphs),
            simhash=simhash(text),
            cleaner_version=CLEANER_VERSION,
        )
    )


def _context(extracted: Extracted, title: str, page: Page) -> Context:
    return Context(
        titles=tuple(dict.fromkeys((*extracted.metadata.titles, title, page.entry_title))),
        known_titles=page.known_titles,
        captions=extracted.captions,
        alternatives=extracted.alternatives,
        links=extracted.links,
        headings=extracted.headings,
    )


def _links(story: Story) -> tuple[RelatedLink, ...]:
    return tuple(dict.fromkeys(finding.link for finding in _in_order(story) if finding.link))


def _bylines(story: Story) -> tuple[str, ...]:
    return clean_authors([finding.byline for finding in _in_order(story) if finding.byline], "")


def _attribution(story: Story) -> tuple[str, ...]:
    return clean_authors([finding.attribution for finding in _in_order(story) if finding.attribution], "")


def _in_order(story: Story) -> list[Finding]:
    return sorted(story.findings, key=lambda finding: finding.cuts[0].start)


def _access(metadata: Metadata, fetched: Access) -> Access:
    """What the page says, or what the fetcher saw where that is stricter."""
    return max("paywall" if metadata.paywalled else "full", fetched, key=STRICTER.index)


STAGE = Stage("cleaner", version=CLEANER_VERSION, source=FETCHED, sink=CLEANED, handle=clean)
