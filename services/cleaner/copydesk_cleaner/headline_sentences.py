"""What sentences show and headlines do not, so that a sentence without its full stop is not taken for a headline.

Headlines leave out articles and auxiliaries and speak in the present ("Councillor quits over ferry row"); sentences
begin with an article or a possessive and have an auxiliary behind it, explain who somebody is between commas, say on
which day, or hold a bracket.
"""

# Publishers print curly quotation marks, and the patterns hold them.
# ruff: noqa: RUF001

import re

QUOTED = re.compile(r"“[^”]*”|\"[^\"]*\"|(?<!\w)‘.*?’(?!\w)|(?<!\w)'.*?'(?!\w)|„[^“”]*[“”]|«[^»]*»")
MIN_ARTICLES = 3
SHORT = 8

# What begins a sentence, and the verbs that follow it there and are left out in a headline.
OPENINGS = {
    "en": (
        "The|A|An|Her|His|Their|Its|Our|My|Both|All of|Some of|None of|One of",
        "is|are|was|were|has|have|had|will|would|can|could|may|might|must|should|does|did",
    ),
    "de": (
        "Der|Die|Das|Ein|Eine|Ihr|Ihre|Sein|Seine",
        "ist|sind|war|waren|wurde|wurden|hat|haben|hatte|hatten|wird|werden|soll|sollen",
    ),
    "fr": ("Le|La|Les|Un|Une|Son|Sa|Ses|Leur|Leurs", "est|sont|a été|ont été|était|étaient|sera|seront|avait|avaient"),
    "es": ("El|La|Los|Las|Un|Una|Su|Sus", "es|son|fue|fueron|era|eran|será|serán|ha sido|han sido|había|habían"),
    "it": ("Il|Lo|La|I|Gli|Le|Un|Una", "è|sono|era|erano|sarà|saranno|è stato|è stata|aveva|avevano"),
    "pt": ("O|A|Os|As|Um|Uma", "é|são|foi|foram|era|eram|será|serão|tinha|tinham"),
    "nl": ("De|Het|Een|Zijn|Haar|Hun", "is|zijn|was|waren|werd|werden|heeft|hebben|had|hadden|wordt|worden"),
}
# A clause that begins with one of these makes a name longer: "The gadgets that will change your kitchen".
RELATIVE = r"(?:that|who|which|whose|why|how|what|where|when|die|der|das|que|qui|che|dat)"
OPENED = tuple(
    re.compile(rf"(?:{openers}) (?:(?!{RELATIVE}\b)[^\s:?!]+ ){{1,8}}(?:{verbs})\s\S")
    for openers, verbs in OPENINGS.values()
)
# The verb of a sentence that begins with a name.
PAST = re.compile(r"(?:[^\s:?!]+ ){1,5}(?:was|were|had|(?:has|have) (?:\w+ed|been)|will be)\s\S")
BRACKET = re.compile(r".*\((?!(?:19|20)\d\d\)|(?:video|photos?|pictures)\))[^()]{2,}\)", re.IGNORECASE)
WHO_IT_IS = re.compile(
    r".*, \d{1,3}, (?:an?|the|of|from|who)\s|.*\w, (?:who|which|whose) (?:is|are|was|were|has|had)\s"
)
ON_A_DAY = re.compile(r".*\b[Oo]n (?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b")
SIGNS = (*OPENED, PAST, BRACKET, WHO_IT_IS, ON_A_DAY)

ARTICLE = re.compile(r"\b(?:the|an?|her|his|their|its)\b")
DEFINITE = re.compile(r"\bthe\b")


def begins_as_sentence(text: str) -> bool:
    """Whether an article or a possessive begins the line and an auxiliary follows: "The full report is here"."""
    own = QUOTED.sub("X", text)
    return any(sign.match(own) for sign in OPENED)


def is_plain_sentence(text: str) -> bool:
    """Whether a line is worded as a sentence or a sub-head, and not as a headline; what it quotes does not count."""
    own = QUOTED.sub("X", text)
    if any(sign.match(own) for sign in SIGNS) or len(ARTICLE.findall(own)) >= MIN_ARTICLES:
        return True
    return len(own.split()) <= SHORT and DEFINITE.search(own) is not None and not own.istitle()
