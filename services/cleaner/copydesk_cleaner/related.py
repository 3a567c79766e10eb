"""Pointers to other stories that announce themselves: READ MORE, SEE ALSO, "Related articles"."""

# Publishers print curly quotation marks and dashes, and the patterns hold them.
# ruff: noqa: RUF001

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from copydesk_cleaner.line_rules import MAX_LINE, LineRule, line_family
from copydesk_cleaner.story import Context, Cut, Finding, Unit
from copydesk_cleaner.text import key
from copydesk_shared.messages import RelatedLink

MAX_LINK = 260
MIN_INSIDE_WORDS = 6


@dataclass(frozen=True)
class Lead:
    """Words that stand before the headline of another story.

    A sure lead needs a colon, bar or dash after it. Words that begin ordinary sentences too are not sure: then the rest
    must look like a headline, with a capital first and no full stop last.
    """

    words: str
    language: str
    sure: bool
    example: str


LEADS: tuple[Lead, ...] = (
    Lead("à lire aussi", "fr", True, "À lire aussi : Le gouvernement recule sur la réforme"),
    Lead("also read", "en", True, "Also Read: Brace for very bad weather in Joburg this weekend"),
    Lead("also see", "en", True, "ALSO SEE: Winners of the night in pictures"),
    Lead("auch interessant", "de", True, "Auch interessant: So wird der Sommer"),
    Lead("czytaj także", "pl", True, "Czytaj także: Rząd zmienia zdanie"),
    Lead("czytaj też", "pl", True, "Czytaj też: Rząd zmienia zdanie"),
    Lead("czytaj więcej", "pl", True, "Czytaj więcej: Rząd zmienia zdanie"),
    Lead("das könnte sie auch interessieren", "de", True, "Das könnte Sie auch interessieren: So wird der Sommer"),
    Lead("don't miss", "en", True, "DON'T MISS: The one map that explains the row"),
    Lead("dowiedz się więcej", "pl", True, "Dowiedz się więcej: Rząd zmienia zdanie"),
    Lead("en savoir plus", "fr", True, "En savoir plus : Le gouvernement recule"),
    Lead("funda olunye udaba lapha", "zu", True, "FUNDA OLUNYE UDABA LAPHA | Kuboshwe abahlanu"),
    Lead("gallery", "en", False, "GALLERY: The parade through the years"),
    Lead("in pictures", "en", False, "IN PICTURES: The parade through the years"),
    Lead("just in", "en", False, "JUST IN: Putin makes desperate plea to Beijing"),
    Lead("learn more", "en", True, "Learn more: How the council votes"),
    Lead("lee más", "es", True, "Lee más: El gobierno da marcha atrás"),
    Lead("lee también", "es", True, "Lee también: El gobierno da marcha atrás"),
    Lead("leer más", "es", True, "Leer más: El gobierno da marcha atrás"),
    Lead("lees meer", "nl", True, "Lees meer: Kabinet draait bij"),
    Lead("lees ook", "nl", True, "Lees ook: Kabinet draait bij"),
    Lead("leggi anche", "it", True, "Leggi anche: Il governo cambia idea"),
    Lead("leggi anche su", "it", True, "Leggi anche su: Il governo cambia idea"),
    Lead("leia mais", "pt", True, "Leia mais: Governo volta atrás"),
    Lead("leia também", "pt", True, "Leia também: Governo volta atrás"),
    Lead("lesen sie auch", "de", True, "Lesen Sie auch: Die Regierung rudert zurück"),
    Lead("lesen sie mehr", "de", True, "Lesen Sie mehr: Die Regierung rudert zurück"),
    Lead("lesetipp", "de", True, "Lesetipp: Die Regierung rudert zurück"),
    Lead("lire aussi", "fr", True, "Lire aussi : Le gouvernement recule"),
    Lead("listen", "en", False, "LISTEN: The podcast on the harbour row"),
    Lead("mehr dazu", "de", True, "Mehr dazu: Die Regierung rudert zurück"),
    Lead("mehr zum thema", "de", True, "Mehr zum Thema: Die Regierung rudert zurück"),
    Lead("more", "en", False, "MORE: Trump camp accuses Biden of trying to start World War 3"),
    Lead("more on this", "en", True, "More on this: The harbour row in numbers"),
    Lead("more to read", "en", True, "More to read: The harbour row in numbers"),
    Lead("must read", "en", True, "MUST READ: The one map that explains the row"),
    Lead("para saber más", "es", True, "Para saber más: El gobierno da marcha atrás"),
    Lead("photos", "en", False, "PHOTOS: Celebrities Who Died In Bizarre Circumstances"),
    Lead("read", "en", False, "READ: The full letter to the harbour board"),
    Lead("read also", "en", True, "Read also: The letter to the harbour board"),
    Lead("read full story", "en", True, "Read full story: The letter to the harbour board"),
    Lead("read more", "en", True, "READ MORE: Russia-Ukraine row over downed plane killing 65 PoWs"),
    Lead("read more here", "en", True, "Read more here: The letter to the harbour board"),
    Lead("read more on this", "en", True, "Read more on this: The letter to the harbour board"),
    Lead("read next", "en", True, "READ NEXT: Cape Town heads into a weekend of shifting skies"),
    Lead("read the full story", "en", True, "Read the full story: The letter to the harbour board"),
    Lead("related", "en", False, "RELATED: Dad accidentally finds out his son is gay"),
    Lead("related article", "en", True, "Related article: The letter to the harbour board"),
    Lead("related articles", "en", True, "Related articles: The letter to the harbour board"),
    Lead("related content", "en", True, "Related content: The letter to the harbour board"),
    Lead("related news", "en", True, "Related news: The letter to the harbour board"),
    Lead("related post", "en", True, "Related post: Pickled Brussels Sprouts Recipe"),
    Lead("related stories", "en", True, "Related stories: The letter to the harbour board"),
    Lead("related story", "en", True, "Related story: The letter to the harbour board"),
    Lead("related video", "en", True, "Related video: The letter to the harbour board"),
    Lead("se også", "da", True, "Se også: Regeringen skifter mening"),
    Lead("see also", "en", True, "SEE ALSO: The letter to the harbour board"),
    Lead("see more", "en", True, "SEE MORE: The letter to the harbour board"),
    Lead("siehe auch", "de", True, "Siehe auch: Die Regierung rudert zurück"),
    Lead("te puede interesar", "es", True, "Te puede interesar: El gobierno da marcha atrás"),
    Lead("veja também", "pt", True, "Veja também: Governo volta atrás"),
    Lead("video", "en", False, "VIDEO: The moment the dam broke"),
    Lead("watch", "en", False, "WATCH: The moment the dam broke"),
    Lead("watch more", "en", True, "WATCH MORE: The moment the dam broke"),
    Lead("weiterlesen", "de", True, "Weiterlesen: Die Regierung rudert zurück"),
    Lead("what to read next", "en", True, "WHAT TO READ NEXT: The letter to the harbour board"),
    Lead("you may also like", "en", True, "You may also like: The letter to the harbour board"),
    Lead("zobacz także", "pl", True, "Zobacz także: Rząd zmienia zdanie"),
    Lead("zobacz też", "pl", True, "Zobacz też: Rząd zmienia zdanie"),
    Lead("zum thema", "de", True, "Zum Thema: Die Regierung rudert zurück"),
    Lead("дивіться також", "uk", True, "Дивіться також: Уряд змінив думку"),
    Lead("смотрите также", "ru", True, "Смотрите также: Правительство передумало"),
    Lead("читай также", "ru", True, "Читай также: Правительство передумало"),
    Lead("читайте также", "ru", True, "Читайте также: Правительство передумало"),
    Lead("читайте також", "uk", True, "Читайте також: Уряд змінив думку"),
)

POINTERS: tuple[LineRule, ...] = (
    LineRule(
        "related.bracketed",
        "related-link",
        (r"\[(?P<headline>[A-Z][^\[\] ]*(?: [^\[\] ]+){3,30} [^\[\] ]*[^\[\].,:;”\"])\]",),
        "[North Korea announces plan to launch rocket carrying observation satellite]",
        "[The witness], he said, had lied.",
    ),
    LineRule(
        "related.click-here",
        "related-link",
        (
            (
                r"(?:CLICK|Click|Tap) here (?:to (?:read|see|view|watch|get more)|for (?:more|the))\b[^\"“”]"
                r"{0,160}"
            ),
            r"[^\"“”.]{3,120}\. (?:Read|Find out) more here\.",
        ),
        "Click here to read the unsealed search warrant on the apartment.",
        "“Click here to read your bill” is how the scam email began.",
    ),
    LineRule(
        "related.heading",
        "related-link",
        (
            r"related (?:articles?|stories|story|content|topics|coverage|news|links|posts?|videos?|reading)",
            r"(?:read|see|find out) more(?: related articles?)?(?: [»>→]+)?:?",
            r"(?:you )?(?:may|might) (?:also )?like:?",
            r"more on this story",
            r"more from .{2,40}",
            r"just in",
            r"(?:most|must) read(?: in [\w &]{2,30})?",
            r"most (?:popular|viewed|shared)(?: in [\w &]{2,30})?",
            r"recommended(?: for you| stories| reading)?",
            r"trending(?: now)?",
            r"top stories",
            r"latest (?:news|stories|headlines)",
            r"editors?['’]?s? picks?",
            r"don['’]t miss",
            r"up next",
            r"read next",
            r"see also",
            r"also read",
            r"mehr zum thema",
            r"das könnte sie auch interessieren",
            r"auch interessant",
            r"à lire aussi",
            r"lire aussi",
            r"sur le même sujet",
            r"leggi anche",
            r"lee también",
            r"te puede interesar",
            r"leia também",
            r"lees ook",
            r"czytaj także",
            r"zobacz także",
            r"читайте также",
            r"читайте також",
        ),
        "Read More Related Articles",
        "Related articles of clothing were found nearby.",
        ignore_case=True,
    ),
    LineRule(
        "related.read-more-tail",
        "related-link",
        (r"(?P<headline>[A-Z0-9‘'“\"][^.]{15,200}[^.,;: ]) Read more",),
        "World Series 2016 Game 7: Chicago Cubs beat Cleveland Indians – as it happened Read more",
        "He told the class to go home and read more",
    ),
)

_WORDS = "|".join(
    re.escape(lead.words).replace("'", "['’]") for lead in sorted(LEADS, key=lambda lead: -len(lead.words))
)
LEAD = re.compile(
    rf"[(\[•*>»→\-– ]{{0,3}}(?P<lead>{_WORDS})\s?(?:[:|»>]|\s[-–—])\s*(?P<headline>\S.*?)[)\]]?", re.IGNORECASE
)
_BY_WORDS = {lead.words.replace("’", "'"): lead for lead in LEADS}

pointers = line_family(POINTERS)


def read_more(units: Sequence[Unit], _: Context) -> Iterator[Finding]:
    """Lines that consist of a lead and a headline."""
    for unit in units:
        match = LEAD.fullmatch(unit.text) if len(unit.text) <= MAX_LINK else None
        if match is not None and _is_pointer(match["lead"], match["headline"]):
            cut = Cut(unit.start, unit.end, "related.read-more", "related-link")
            yield Finding((cut,), link=RelatedLink(title=match["headline"].strip()))


def _is_pointer(lead: str, headline: str) -> bool:
    found = _BY_WORDS[lead.casefold().replace("’", "'")]
    if found.sure:
        return True
    starts = headline.lstrip("\"“‘'")[:1]
    return (starts.isupper() or starts.isdigit()) and not headline.rstrip("\"”’'").endswith((".", ":", ",", ";"))


def known_titles(units: Sequence[Unit], context: Context) -> Iterator[Finding]:
    """Lines that equal the title of another entry of the same feed."""
    titles = {key(title): title for title in context.known_titles} if context.known_titles else {}
    for own in ("", *map(key, context.titles)):
        titles.pop(own, None)
    for unit in units:
        if key(unit.text) in titles:
            cut = Cut(unit.start, unit.end, "related.known-title", "related-link")
            yield Finding((cut,), link=RelatedLink(title=unit.text))
        elif len(unit.text) > MAX_LINE:
            yield from _inside(unit, titles.values())


def _inside(unit: Unit, titles: Iterable[str]) -> Iterator[Finding]:
    """Titles inside a whole article that stands in one line, where words and letters agree exactly."""
    for title in titles:
        start = unit.text.find(title)
        if start >= 0 and len(title.split()) >= MIN_INSIDE_WORDS:
            cut = Cut(unit.start + start, unit.start + start + len(title), "related.known-title", "related-link")
            yield Finding((cut,), link=RelatedLink(title=title))
