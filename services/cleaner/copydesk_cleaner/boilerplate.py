"""Lines of page furniture: advertisement marks, players and galleries, live blogs, consent, legal lines, sign-offs."""

# Publishers print curly quotation marks and dashes, and the patterns hold them.
# ruff: noqa: RUF001

from copydesk_cleaner.line_rules import LineRule, line_family

_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Sept|Oct|Nov|Dec)[a-z]*\.?"
_PERSON = r"[A-ZÀ-Ý][\w.'’\-]*(?: [A-ZÀ-Ý][\w.'’\-]*){1,4}"
_AGENCY = r"(?:AFP|AP|dpa|DPA|Reuters|REUTERS|epd|KNA|APA|SID|EFE|ANSA|AAP|PTI|ANI|IANS|Xinhua|TASS|Lusa|Belga)"

BOILERPLATE: tuple[LineRule, ...] = (
    LineRule(
        "boilerplate.advertisement",
        "boilerplate",
        (
            (
                r"(?:- ?)?(?:advertisements?|advertising|sponsored(?: content)?|anzeige|werbung|publicité|"
                r"publicidad|publicidade|pubblicità|advertentie|reklama|реклама)(?:[ -]{1,3}(?:continue reading "
                r"(?:below|the main story)|\d+ ?story continues below|scroll to continue|story continues below))?"
                r"(?:\d+ ?story continues below)?\.?"
            ),
            r"article continues (?:below|after) (?:this )?ad\w*",
            r"story continues below(?: this)?(?: advertisement)?",
            r"\(?continues below\)?",
            r"this advertisement has not loaded yet.{0,60}",
        ),
        "Advertisement - Continue Reading Below",
        "Advertisement spending rose by 4%.",
        ignore_case=True,
    ),
    LineRule(
        "boilerplate.affiliate",
        "boilerplate",
        (
            (
                r"(?:[^\"“”]{0,200}\b)?(?:may (?:earn|receive|make|get) (?:an? )?(?:affiliate |small )?"
                r"(?:commission|payment|money)|earn(?:s)? (?:an? )?affiliate commission|"
                r"income earning auto affiliate links)\b[^\"“”]{0,60}(?:link|purchase|buy|site|page|click).{0,160}"
            ),
            r"(?:FTC: )?We use income earning.{0,60}",
            r"Reviews and recommendations are unbiased.{0,240}",
        ),
        "Postmedia may earn an affiliate commission from purchases made through links on this page.",
        "He may earn a commission in the army.",
    ),
    LineRule(
        "boilerplate.amended",
        "boilerplate",
        (
            (
                r"(?:Originally|First) (?:published|appeared) (?:in|on|at) (?:The |the )?(?:[A-Z][\w.]*)(?: [A-Z]"
                r"[\w.]*){0,4}\.?"
            ),
            (
                r"This (?:article|story|post) (?:was )?(?:first |originally )?(?:published|appeared) (?:first )?"
                r"(?:in|on|at|by) (?:The |the )?[A-Z][\w.' ]{2,60}\.?"
            ),
        ),
        "First published in The Conversation.",
        "First published in 1949, the novel still sells.",
    ),
    LineRule(
        "boilerplate.browser",
        "boilerplate",
        (
            r"(?:Show key events only ?)?[Pp]lease (?:turn on|enable) JavaScript.{0,120}",
            r"Show key events only",
            r"(?:You|Your) (?:are using|browser) .{0,60}(?:browser|outdated|not supported|supported).{0,200}",
            r"Thank you for visiting \S+\.\w+\..{0,300}",
            r"the best experience, we recommend you use a more up to date browser.{0,200}",
            r"Internet Explorer\)\. In the meantime.{0,200}",
            r"and JavaScript\.",
        ),
        "Show key events onlyPlease turn on JavaScript to use this feature",
        "The show, with key events only, ran for an hour.",
    ),
    LineRule(
        "boilerplate.comments",
        "boilerplate",
        (
            r"(?:\d+ )?comments?(?: \(\d+\))?:?",
            r"(?:would you like to|do you want to) comment on this (?:article|story)\?",
            (
                r"(?:have your say|join the (?:conversation|discussion)|leave a (?:comment|reply))(?: in (?:our|"
                r"the) comments?.{0,40})?[.!]?"
            ),
            r"(?:view|show|read|see) (?:all )?(?:\d+ )?comments?",
            r"what do you think\? .{0,40}comments?.{0,60}",
            r"comments? (?:are )?(?:closed|disabled|moderated).{0,60}",
        ),
        "Would you like to comment on this article?",
        "“Would you like to comment?” the judge asked.",
        ignore_case=True,
    ),
    LineRule(
        "boilerplate.consent",
        "boilerplate",
        (
            (
                r"(?:We|This (?:site|website)|Our (?:site|website)) (?:and our (?:\d+ )?partners )"
                r"?uses? cookies\b.{0,500}"
            ),
            r"(?:Accept|Reject|Manage) (?:all )?(?:cookies|preferences)\.?",
            r"(?:By (?:continuing|using|clicking)) .{0,120}(?:cookies|[Pp]rivacy [Pp]olicy|[Tt]erms).{0,200}",
            r"To (?:view|see|display) this (?:content|video).{0,60}(?:consent|cookies|JavaScript).{0,160}",
        ),
        "We use cookies to give you the best experience on our website.",
        "We baked cookies for the guards, said the chef.",
    ),
    LineRule(
        "boilerplate.contributed",
        "boilerplate",
        (
            r"(?:- ?)?(?:– ?)?[Aa]dditional reporting by [A-Z][^.]{2,120}\.?",
            (
                r"(?:Additional |With )?[Rr]eporting (?:by|for) [A-Z][^.]{2,200}(?:; ?|, )(?:[Ww]riting|[Ee]"
                r"diting|[Aa]dditional reporting|with reporting) by .{2,200}"
            ),
            r"\((?:Additional |With )?[Rr]eporting by [A-Z].{2,300}\)",
            r"(?:Writing|Editing) by [A-Z][^.]{2,120}\.?",
            (
                r"(?:The )?Associated Press (?:writers?|reporters?|journalists?) .{2,200} contributed"
                r"(?: to this (?:report|story))?.{0,20}"
            ),
            (
                rf"(?:[A-Z][\w.]*(?: [A-Z][\w.]*){{0,3}}['’]s? )?(?:{_PERSON}(?:, | and |,? and )?)"
                rf"{{1,6}} contributed (?:reporting(?: from [A-Z][\w ]{{2,30}})?|to this (?:report|story|article)|"
                rf"research)\.?"
            ),
        ),
        "Reporting by Maya Gebeilly in Beirut; Writing by David Clarke; Editing by Daniel Flynn",
        "Reporting by the commission found 40 deaths.",
    ),
    LineRule(
        "boilerplate.copyright",
        "boilerplate",
        (
            (
                r"(?i:(?:copyright|©|\(c\))\s?(?:©\s?)?(?:\d{4}|the |by )).{0,120}(?i:all rights reserved|"
                r"may not be published|syndication|permission|inc\.?|ltd\.?|llc|press).{0,300}"
            ),
            r"(?i:copyright|©) [^.!?]{2,80}\. (?i:all rights reserved)\.?.{0,160}",
            r"(?i:all rights reserved)\.?.{0,160}",
            r"© \d{4} .{2,80}",
        ),
        "Copyright 2018 The Associated Press. All rights reserved. This material may not be published.",
        "Copyright 2018 is the year the case began.",
    ),
    LineRule(
        "boilerplate.crumb",
        "boilerplate",
        (
            (
                r"(?:Article content|Breadcrumb|Skip to (?:main )?content|Back to top|Story highlights|Topics?:?|"
                r"Tags:?|Filed [Uu]nder:? ?.{0,120}|Related tags|Key points|Show (?:more|less)|Load more|Home|Menu"
                r"|Search|- ?(?:Hindi News|Local)|- ?कॉपी लिंक)"
            ),
        ),
        "Article content",
        "Article content was copied word for word, the suit says.",
    ),
    LineRule(
        "boilerplate.initials",
        "boilerplate",
        (
            rf"[a-z]{{2,4}}(?:/[a-z]{{2,5}}){{0,3}} \((?:{_AGENCY}(?:, ?|/| und | and )?){{1,4}}(?:, \w+)*\)",
            rf"\(?(?:{_AGENCY})(?:/\w+)?\)?",
        ),
        "jm/dm (AFP, dpa)",
        "He works for AFP and dpa.",
    ),
    LineRule(
        "boilerplate.live",
        "boilerplate",
        (
            (
                r"(?:This is a )?(?:breaking|developing)(?: new)?(?: news)? story[ ,.:;–—-]+.{0,40}"
                r"(?:more to follow|more (?:details|updates)?|refresh|check back|updates?).{0,80}"
            ),
            r"(?:[Mm]ore to follow|More to come|Follow live updates|Updates? to follow)[.…]*",
            r"Key events",
        ),
        "This is a breaking new story - more to follow",
        "There is more to follow, said the sergeant.",
    ),
    LineRule(
        "boilerplate.player",
        "boilerplate",
        (
            r"video length .{2,60}",
            r"(?:scroll down for video|scroll for video)s?",
            r"(?:now )?(?:loading|playing)(?:\.\.\.|…)?",
            r"image \d+ of ?/? ?\d+.{0,40}",
            r"(?:\d+ ?/ ?\d+|\d+ of \d+) ?(?:photos?|images?|slides?)",
            r"(?:play|watch|pause|mute|unmute|close|next|previous|expand|autoplay)(?: video)?",
            r"(?:volume|duration|current time):? ?\d[\d:%]*.{0,20}",
            r"(?:video|media|audio) (?:unavailable|player|could not be played).{0,80}",
            (
                r"(?:your browser does not support|to play the media you will need|this video (?:can ?not|is not))"
                r".{0,120}"
            ),
            r"view gallery",
            r"open image in gallery",
            r"skip (?:in )?(?:twitter|facebook|instagram|youtube) post.{0,40}",
            r"embed share",
            r"hide caption",
        ),
        "Video length 1 minute 24 seconds 1:24",
        "The video, 1 minute 24 seconds long, shows a missile.",
        ignore_case=True,
    ),
    LineRule(
        "boilerplate.separator",
        "boilerplate",
        (
            r"[_=*~#•·–—-]{2,}",
            r"[|•·]",
            r"\* \* \*",
        ),
        "___",
        "A ___ B (fill the gap) was the first question.",
    ),
    LineRule(
        "boilerplate.standards",
        "boilerplate",
        (
            r"Our Standards: ?The Thomson Reuters Trust Principles\.?.{0,60}",
            r"Read our (?:editorial|ethics|corrections) (?:policy|standards|guidelines).{0,60}",
        ),
        "Our Standards: The Thomson Reuters Trust Principles.",
        "“Our standards: they slipped,” he admitted.",
    ),
    LineRule(
        "boilerplate.time-stamp",
        "boilerplate",
        (
            (
                rf"(?:(?:[Pp]ublished|[Uu]pdated|UPDATED|PUBLISHED|[Ll]ast (?:[Uu]pdated|[Mm]odified))(?: (?:at|on)"
                rf")?:?\s)?(?:(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, )?(?:\d{{1,2}}:\d{{2}}(?: ?[AaPp][Mm])?"
                rf"(?: [A-Z]{{2,4}})?,? )?(?:\d{{1,2}} {_MONTH},? \d{{4}}|{_MONTH} \d{{1,2}},? \d{{4}})(?:,? "
                rf"(?:at )?\d{{1,2}}[:.]\d{{2}}(?: ?[AaPp]\.?[Mm]\.?)?(?: ?[A-Z]{{2,4}})?)?"
            ),
            r"\d{1,2}:\d{2} [AP]M [A-Z]{3} \d{1,2}/\d{1,2}/\d{4}.{0,60}",
            r"\d{4}-\d{2}-\d{2}T[\d:.+Z-]+",
            r"Tempo de leitura: \d+ minutos?",
            r"(?:Reading time:? )?\d+ min(?:ute)?s? read",
        ),
        "14:51, 04 Oct 2026",
        "At 14:51 on October 4 the siren sounded.",
    ),
)

BYLINES: tuple[LineRule, ...] = (
    LineRule(
        "boilerplate.byline",
        "boilerplate",
        (
            (
                rf"(?:By|BY|Von|Por|Par|Di) (?P<byline>{_PERSON}(?:(?:,| and| und| y| et) {_PERSON}){{0,3}})(?:,? "
                rf"(?:in [A-Z]\w+|[A-Z][\w ]{{2,40}}|for [A-Z][\w ]{{2,40}}))?"
            ),
        ),
        "By Adam Millington",
        "By then it was too late",
    ),
)

boilerplate = line_family(BOILERPLATE)
bylines = line_family(BYLINES)
