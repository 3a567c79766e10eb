"""Names of authors, out of what pages write where names should be."""

# Publishers print curly quotation marks and dashes, and the patterns hold them.
# ruff: noqa: RUF001

import re
from collections.abc import Iterable, Iterator, Sequence
from html import unescape

from copydesk_cleaner.rulebook import shipped
from copydesk_cleaner.text import key, normalise

MAX_AUTHOR = 60
MAX_AUTHORS = 12
MAX_NAME_WORDS = 7

AGENCIES = frozenset(map(key, shipped().vocabulary("signing_agencies")))

LEAD = re.compile(
    r"^(?:(?:written|posted|published|reported|words|story|text|interview) by|by|author|autor|autore|auteur|von|par|"
    r"por|di|door|av|af|przez|nga|автор|текст|text|texte|texto|testo)(?:\s*:\s*|\s+(?=[^\W\d_]))|^作者\s?[:：]\s?",
    re.IGNORECASE,
)
AND = r"(?:and|und|et|y|e|en|och|og|oraz|i|и|та|with|avec|mit|con)"
SEPARATOR = re.compile(rf"\s*[,;|•]\s*(?:{AND}\s)?|\s/\s|\s{AND}\s|\s*&\s*", re.IGNORECASE)
ROLE = re.compile(r"\s+(?:[-–—]|\()\s*.*$")
# What a template prints behind the name, in the same element: a date, a second line.
BEHIND = re.compile(
    r"\s+(?:(?:published|updated|posted|last updated|(?:medically |fact[- ])?(?:reviewed|checked|edited) by)\b.*"
    r"|(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\.?(?:,?\s.*)?"
    r"|(?:jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)\.?(?:\s\d.*)?)$",
    re.IGNORECASE,
)
# What somebody is, as a part of its own after the name and a comma.
POSITION = re.compile(
    r"(?:[\w.&'’-]+\s){0,5}(?:dietit?ian|expert|director|editor|(?:co-)?founder|officer|manager|specialist|correspondent|"
    r"reporter|writer|contributor|producer|analyst|columnist|professor|president|ceo|cto|journalist|consultant|attorney)"
    r"(?:\s(?:of|for|at|in)\s.*)?",
    re.IGNORECASE,
)
# What an outlet is called that stands behind a name and a bar.
OUTLET = re.compile(
    r"(?:[\w.&'’-]+\s){1,4}(?:Post|Times|News|Herald|Gazette|Courier|Tribune|Daily|Journal|Magazine|Media|Press|Today|"
    r"Chronicle|Observer|Telegraph|Mail|Echo|Star|Sun|Mirror|Standard|Examiner|Globe|Record|Review|Weekly|Zeitung)",
)
# A surname, with what nobles and the Dutch put before it, and then a name or two, or a letter: "Roe, Jane M.".
WORD = r"[^\W\d_]['’]?[^\W\d_]++(?:['’-][^\W\d_]++)*"
SURNAME_FIRST = re.compile(
    rf"(?P<surname>(?:(?:van|von|de[rln]?|di|da|la|le|el|al)\s){{0,2}}(?P<last>{WORD})),\s"
    rf"(?P<name>(?P<first>{WORD})(?:\s(?:{WORD}|[^\W\d_]\.?))?)",
    re.IGNORECASE,
)
WHOLE = re.compile(r"\s*[;|•]\s*")
# Degrees and memberships that follow a name after a comma, written as publishers write them.
POST_NOMINAL = re.compile(
    r"(?:Ph\.?D|M\.?D|D\.?V\.?M|D\.?O|R\.?D|R\.?N|MBA|M\.?[AS]c?|B\.?[AS]c?|MPH|CPA|CFP|CFA|CPP|PSP|FAND|LLB|LLM|Esq|"
    r"Jr|Sr|I{2,3}|OBE|MBE|CBE|KC|QC|MP)\.?"
)
NOT_A_NAME = re.compile(
    r"://|@|[{}<>=]|\d{3}|^\W*$|^(?:https?|www\.)|\b(?:guest author|admin|administrator|editor|staff writer|unknown|"
    r"anonymous|none|null|undefined|redaktion|redacción|redazione|rédaction|newsroom)$"
    r"|:|^-|^(?:written|posted|published|reviewed) by$|^name$|^[\w-]+(?:\.[\w-]+)*\.(?:com|org|net|info|[a-z]{2})$",
    re.IGNORECASE,
)
DATE_WORD = re.compile(
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|"
    r"nov(?:ember)?|dec(?:ember)?)\.?(?:\s\d.*)?|\d[\d.:\s]*(?:am|pm)?",
    re.IGNORECASE,
)


def clean_authors(names: Iterable[str], site: str) -> tuple[str, ...]:
    """The names of people or desks, without "By", roles, degrees, addresses and the site's own name."""
    found: dict[str, str] = {}
    for name in names:
        for part in _parts(_plain(name), site):
            author = BEHIND.sub("", ROLE.sub("", LEAD.sub("", part))).strip(" .:")
            if author and _is_name(author, site, follows=bool(found)):
                found.setdefault(key(author), author)
    return tuple(found.values())[:MAX_AUTHORS]


def _parts(text: str, site: str) -> Iterator[str]:
    """What separators part, the surname after the name, without the outlet behind a bar."""
    for number, whole in enumerate(WHOLE.split(text)):
        turned = SURNAME_FIRST.fullmatch(whole)
        if turned and _is_turned(turned, site):
            yield f"{turned['name']} {turned['surname']}"
        elif not (number and OUTLET.fullmatch(whole)):
            yield from SEPARATOR.split(whole)


def _is_turned(found: re.Match[str], site: str) -> bool:
    """Whether these are the two parts of a name, in a script that has capitals: others write surnames first anyway."""
    parts = (found["surname"], found["name"])
    words = (found["last"], found["first"])
    return all(word[0].isupper() and not word.isupper() for word in words) and not any(
        NOT_A_NAME.search(part)
        or POST_NOMINAL.fullmatch(part)
        or POSITION.fullmatch(part)
        or key(part) in AGENCIES
        or key(part) == key(site)
        for part in parts
    )


def without_agencies(names: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names that are not of news agencies, and those that are."""
    agencies = tuple(name for name in names if key(name) in AGENCIES)
    return tuple(name for name in names if name not in agencies), agencies


def _plain(name: str) -> str:
    return LEAD.sub("", normalise(unescape(name)).replace("\n", " "))


def _is_name(author: str, site: str, *, follows: bool) -> bool:
    return (
        len(author) <= MAX_AUTHOR
        and len(author.split()) <= MAX_NAME_WORDS
        and not NOT_A_NAME.search(author)
        and not DATE_WORD.fullmatch(author)
        and not (follows and (POST_NOMINAL.fullmatch(author) or POSITION.fullmatch(author)))
        and key(author) != key(site)
    )
