"""Times as people print them, ``9:15 pm CET``, brought into the form that parsers read: ``21:15 +0100``."""

import re

# Names that mean one zone wherever news is printed, in minutes east of UTC. Those of North America are RFC 5322's, BST
# is British Summer Time. Not here, and so as if no zone were given: IST (India, Israel, Ireland), AST (Atlantic,
# Arabia) and ET, CT, MT, PT, which tell the place but not whether it is summer.
ZONES = {
    **dict.fromkeys(("Z", "UT", "UTC", "GMT", "WET"), 0),
    "EST": -300, "EDT": -240, "CST": -360, "CDT": -300, "MST": -420, "MDT": -360, "PST": -480, "PDT": -420,
    "AKST": -540, "AKDT": -480, "HST": -600, "NST": -210, "NDT": -150, "BRT": -180, "ART": -180,
    "BST": 60, "WEST": 60, "CET": 60, "CEST": 120, "MEZ": 60, "MESZ": 120, "EET": 120, "EEST": 180, "MSK": 180,
    "TRT": 180, "WAT": 60, "CAT": 120, "SAST": 120, "EAT": 180, "PKT": 300, "NPT": 345, "WIB": 420, "WITA": 480,
    "HKT": 480, "SGT": 480, "AWST": 480, "JST": 540, "KST": 540, "ACST": 570, "ACDT": 630, "AEST": 600, "AEDT": 660,
    "NZST": 720, "NZDT": 780,
}  # fmt: skip
CLOCK = re.compile(
    r"(?:\bat\s{1,3})?\b(?P<hour>\d{1,2}):(?P<rest>\d{2}(?::\d{2}(?:\.\d{1,9})?)?)"
    r"(?:\s{0,3}(?P<half>[ap]\.?m\b\.?))?(?:\s{0,3}(?:(?:GMT|UTC)(?P<offset>[+-]\d)|\(?(?P<zone>(?-i:[A-Z]{1,4}))\b\)?))?",
    re.IGNORECASE | re.ASCII,
)
ISO = re.compile(r"\d{4}-\d", re.ASCII)
NOON = 12
HOUR = 60


def plain_clock(text: str) -> str:
    """The text with its first time of day in 24 hours and a zone that is named by :data:`ZONES` as an offset."""
    space = "" if ISO.match(text.lstrip()) else " "
    return CLOCK.sub(lambda found: _plain(found, space), text, count=1)


def _plain(found: re.Match[str], space: str) -> str:
    hour, half, zone = int(found["hour"]), (found["half"] or "")[:1].lower(), found["zone"] or ""
    if half and hour <= NOON:
        hour = hour % NOON + (NOON if half == "p" else 0)
    offset = ZONES.get(zone)
    behind = f" {zone}" if zone and space else ""
    if found["offset"]:
        behind = f"{space}{found['offset']}"
    elif offset is not None:
        sign = "-" if offset < 0 else "+"
        behind = f"{space}{sign}{abs(offset) // HOUR:02}{abs(offset) % HOUR:02}"
    return f"{hour:02}:{found['rest']}{behind}"
