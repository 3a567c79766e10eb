"""What captions and credits look like in a line: patterns and a table of forms. Nothing here decides about places."""

# Publishers print curly quotation marks and dashes, and the patterns hold them.
# ruff: noqa: RUF001

import re
from dataclasses import dataclass

from copydesk_cleaner.text import LOWER, UPPER

BRACKETED = re.compile(r"\s?\((?P<content>[^()\n]{2,160})\)")
FUSED_NEXT = re.compile(rf"[\"“‘'*—–•\[]?[{UPPER}0-9]|[*—–•]\s")
SPACED_NEXT = re.compile(rf"\s[\"“‘']?[{UPPER}]")
DATELINE = re.compile(rf"(?:[{UPPER}][{UPPER}.'’\-]+[ ,/]*){{1,5}}(?:[A-Z][a-z]+\.?,? ?){{0,2}}(?:\d{{1,2}})?,?\s*")
TAIL_LABEL = re.compile(
    rf"(?P<gap>^|(?<=[.!?\"”’)])\s*|(?<=[{LOWER}0-9{UPPER}])(?=[A-Z])|(?<=[{LOWER}0-9{UPPER})])\s+(?:\|\s)?|^\(|\s\()"
    r"(?P<label>(?:Photo|Image|Picture) [Cc]redits?|Photograph by|Photograph|Photo by|Photo|Picture by|Picture|"
    r"Pictures|Images? by|Image source|Image|Pic|Credits?|CREDITS?|PHOTO|PICTURE|IMAGE|"
    r"Foto|FOTO|Bild|BILD|Fotos|Crédit photo|Crédit|Фото|Kuva|Source)"
    r"(?P<mark>\s?:\s*|(?<=by)\s+|(?<=source),\s*)(?P<source>[^:\n]{2,120})$"
)


@dataclass(frozen=True)
class Form:
    """A line that is a caption or a credit by its wording. ``example`` is cut, ``keep`` is not.

    ``needs`` are letters without which the pattern, which costs more, cannot match.
    """

    rule: str
    needs: str
    pattern: re.Pattern[str]
    example: str
    keep: str


_NAME = rf"[{UPPER}][^\s]*(?:\s(?:[{UPPER}/&|][^\s]*|of|the|for|via|and|de|by))*"

# Whole lines. The groups caption and credit, where they are, go to the images.
FORMS: tuple[Form, ...] = (
    Form(
        "caption.ap-file",
        "FILE",
        re.compile(r"FILE\s?[-–—]\s?(?P<caption>.+?)(?:\s\((?P<credit>[^()]+)\)(?:\s\([^()]+\))?)?"),
        "FILE - Mike and Jane Roberts tend to their son at their Pocatello home on March 1, 2024.",
        "File your return by January 31 - or face a £100 fine.",
    ),
    Form(
        "caption.bbc",
        "Image ",
        re.compile(rf"Image (?:source|copyright),?\s(?P<credit>{_NAME}?)(?:\s?Image caption,?\s(?P<caption>.+))?"),
        "Image source, Getty ImagesImage caption, The crash affected their friendship",
        "Image copyright law has not kept up, the judge said.",
    ),
    Form(
        "caption.bbc-caption",
        " caption",
        re.compile(r"(?:Image|Media) caption,?\s(?P<caption>[^a-z].+)"),
        "Image caption, The crash affected their friendship",
        "Image captions are written last, editors say.",
    ),
    Form(
        "caption.guardian",
        "Facebook Twitter",
        re.compile(
            r"Facebook Twitter Pinterest (?P<caption>.+?)(?:\s(?:Photograph|Illustration|Composite):\s(?P<credit>.+))?"
        ),
        "Facebook Twitter Pinterest A fan reacts after the Cubs won Game 7. Photograph: Charlie Riedel/AP",
        "Facebook, Twitter and Pinterest all fell in early trading.",
    ),
    Form(
        "caption.npr",
        "caption",
        re.compile(r"(?:Enlarge this image\stoggle caption|Hide caption|hide caption|toggle caption)\s?(?P<credit>.*)"),
        "Enlarge this image toggle caption Michael Sohn/AP Michael Sohn/AP",
        "Enlarge the image, the detective told them.",
    ),
    Form(
        "caption.reuters-third-party",
        "THIRD PARTY",
        re.compile(
            r"(?P<caption>.*?)\s?(?P<credit>\S*)\s?THIS (?:IMAGE|PICTURE|VIDEO) "
            r"(?:HAS BEEN SUPPLIED|WAS (?:PROVIDED|SUPPLIED)) BY A THIRD PARTY.*"
        ),
        "A screen grab. @SubasTheOne/via REUTERS THIS IMAGE HAS BEEN SUPPLIED BY A THIRD PARTY. MANDATORY CREDIT.",
        "“This image has been supplied by a third party,” the court heard.",
    ),
    Form(
        "caption.sun-agency-prefix",
        ":",
        re.compile(
            rf"(?P<credit>(?:AP|AFP|PA|EPA|Getty|Rex|Reuters|Alamy|SWNS):[{UPPER}][\w-]*(?: [{UPPER}][\w-]*)?)\s"
            rf"(?P<caption>[{UPPER}].+)"
        ),
        "AP:Associated Press The girls have been released as part of a hostage swap with the militant group",
        "AP: the agency at the heart of the row.",
    ),
    Form(
        "credit.file-name",
        ".",
        re.compile(r"(?P<credit>[\w-]+\.(?:jpe?g|png|gif|webp))", re.IGNORECASE),
        "AD_152311321.jpg",
        "The file, AD_152311321.jpg, was found on his laptop.",
    ),
)

# An agency in front of a caption: no end mark, or it is a sentence about the agency.
AGENCY_PREFIX = re.compile(
    rf"(?P<credit>Reuters|AFP|AP|EPA|Getty Images|Getty|Rex Features|SWNS|Alamy|Instagram|PA)\s"
    rf"(?P<caption>[{UPPER}][^\s]*(?:\s[^\s]+){{4,}})"
)
