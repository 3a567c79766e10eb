"""Names of authors, out of what pages write where names should be."""

# Publishers print curly quotation marks and dashes, and the patterns hold them.
# ruff: noqa: RUF001

import re
from collections.abc import Sequence
from html import unescape

from copydesk_cleaner.text import key, normalise

MAX_AUTHOR = 60
MAX_AUTHORS = 12
MAX_NAME_WORDS = 7

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
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec)[a-z]*\.?(?:\s\d.*)?|\d[\d.:\s]*(?:am|pm)?", re.IGNORECASE
)


def clean_authors(names: Sequence[str], site: str) -> tuple[str, ...]:
    """The names of people or desks, without "By", roles, degrees, addresses and the site's own name."""
    found: dict[str, str] = {}
    for name in names:
        for part in SEPARATOR.split(_plain(name)):
            author = BEHIND.sub("", ROLE.sub("", LEAD.sub("", part))).strip(" .:")
            if author and _is_name(author, site, follows=bool(found)):
                found.setdefault(key(author), author)
    return tuple(found.values())[:MAX_AUTHORS]


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
