"""Lines that promote: newsletters, apps, social accounts, story tips, subscriptions."""

# Publishers print curly quotation marks and dashes, and the patterns hold them.
# ruff: noqa: RUF001

from copydesk_cleaner.line_rules import LineRule, line_family

_SITE = r"(?:us|the [A-Z][\w']+(?: [A-Z][\w']+){0,4}|[A-Z][\w.'’]*(?: [A-Z][\w.'’]*){0,4}|@\w+)"
_NETWORK = (
    r"(?:Twitter|X|Facebook|Instagram|YouTube|TikTok|WhatsApp|Telegram|LinkedIn|Threads|Bluesky|Google News|"
    r"Pinterest|Snapchat|Flipboard)"
)

_NO_QUOTE = r"[^\"“”„«»]"
_ASKED = r"(?:subscribe|log ?in|sign in|sign up|register|create an account|become a member)\b"
_LOG_IN = (
    r"(?:Already (?:a subscriber|a member|subscribed|registered)|Already have an? (?:account|subscription))\? ?"
    r"(?:(?:Log ?in|Sign in)(?: here| now)?[.!]?)?"
)

PROMOTIONS: tuple[LineRule, ...] = (
    LineRule(
        "promotion.app",
        "promotion",
        (
            r"(?:please )?(?:click|tap) here to (?:get|download) the .{0,40}\bapp\b.{0,20}",
            r"download (?:the|our) .{0,40}\bapp\b(?! to ).{0,120}",
        ),
        "CLICK HERE TO GET THE FOX NEWS APP",
        "“Click here to get the app” pop-ups cost firms millions, the report says.",
        ignore_case=True,
    ),
    LineRule(
        "promotion.bookmark",
        "promotion",
        (
            r"Please bookmark \S+\.\w+ .{0,120}",
            r"(?:Bookmark|Our website is the place) .{0,60}(?:newsletter|bookmark).{0,160}",
        ),
        "Please bookmark nationalpost.com and sign up for our daily newsletter, Posted, here.",
        "She used a photo as a bookmark.",
    ),
    LineRule(
        "promotion.click-subscribe",
        "promotion",
        (r"click here to (?:subscribe|sign up|register|donate|vote|book|buy|find out more|for more).{0,120}",),
        "Click here to subscribe to The Paradigm Newsletter",
        "“Click here to subscribe” was all the page said.",
        ignore_case=True,
    ),
    LineRule(
        "promotion.contact",
        "promotion",
        (
            (
                r"(?:Get in touch|Contact us|Email us|Get in contact)\b.{0,60}(?:[Ee]mail|@|form|\bhere\b|"
                r"WhatsApp).{0,160}"
            ),
            r"• ?E-?mail: \S+@\S+.{0,60}",
            r"E-?mail:? \S+@\S+",
        ),
        "Get in touch with our news team by emailing us at webnews@metro.co.uk.",
        "Get in touch with your feelings, she told them.",
    ),
    LineRule(
        "promotion.discount",
        "promotion",
        (
            r"Get access to .{0,100}(?:subscription|Pro)\b.{0,300}",
            r"Get .{0,60} delivered (?:through|to|straight to) your (?:letterbox|door|inbox).{0,200}",
            r".{0,140}\bUse (?:the )?code [\"“]\w+[\"”].{0,200}",
        ),
        "Get Motor Cycle Monthly delivered through your letterbox every month. 12 issues for £11.99.",
        "Get milk delivered to your neighbour, the council urged.",
    ),
    LineRule(
        "promotion.donate",
        "promotion",
        (
            (
                r"(?:Support|Help) (?:us|our (?:work|journalism|reporting)|independent journalism|"
                r"quality journalism)\b.{0,200}"
            ),
            r"(?:Donate|Spenden?) (?:now|today|here|jetzt)!?",
            r"Hat Ihnen dieser Artikel gefallen\?.{0,200}",
        ),
        "Support independent journalism by making a donation today.",
        "Support for the government fell.",
    ),
    LineRule(
        "promotion.follow",
        "promotion",
        (
            (
                rf"(?:You can )?(?:[Ff]ollow|[Ll]ike|[Ff]ind|[Jj]oin|[Ss]ubscribe to) {_SITE} (?:(?:and .{{2,40}} )"
                rf"?(?:on|via)) (?:our )?(?:the )?{_NETWORK}\b.{{0,300}}"
            ),
            rf"Follow {_SITE} (?:here|and add us).{{0,100}}",
            r"(?:Follow|Tweet) @\w+.{0,60}",
            rf"Join us on (?:our )?{_NETWORK}.{{0,240}}",
        ),
        "Follow Metro.co.uk on Twitter and Facebook for the latest news updates.",
        "He asked fans to follow him on Twitter, prosecutors said.",
    ),
    LineRule(
        "promotion.get-the-latest",
        "promotion",
        (
            (
                r"(?:Get|Receive|For) (?:all )?(?:the )?(?:latest|top|best|day's|biggest|breaking|real-time)\b"
                r"[^\"“]{0,120}(?:inbox|newsletters?|email|browser|phone|delivered|sign up|follow us|stories \+ |"
                r"power rankings|Result \d{4})\b.{0,140}"
            ),
        ),
        "Get the latest news from thewest.com.au in your inbox.",
        "Get the latest news to the front, he told his aide.",
    ),
    LineRule(
        "promotion.listen-live",
        "promotion",
        (r"Listen to [A-Z][\w ]{2,40} (?:live|on BBC Sounds|wherever you get your podcasts)\b.{0,160}",),
        "Listen to Newsbeat live at 12:45 and 17:45 weekdays - or listen back here.",
        "Listen to me, she said, and live.",
    ),
    LineRule(
        "promotion.more-stories",
        "promotion",
        (
            (
                r"(?:For|Read|See|Find|Check out|Want) more (?:stories|news|articles|on this|of (?:the |our )?[^.]"
                r"{2,60}(?:stories|news|coverage))\b[^.\"“”]{0,120}[.!]?(?:\s.{0,80})?"
            ),
        ),
        "For more stories like this, check our news page.",
        "More stories were told that night.",
    ),
    LineRule(
        "promotion.newsletter",
        "promotion",
        (
            (
                r"(?:[^\"“”:]{0,160}\b)?(?:[Ss]ign(?:ing)? up (?:for|to|here for|now for|to receive)|[Ss]"
                r"ubscribe to|[Ss]ubscribing to|[Rr]egister for) (?:our|the|my|this|breaking|BREAKING|free|email|"
                r"[A-Z][\w’']*(?: [A-Z][\w’']*){0,3}['’]s?)\b[^\"“”]{0,160}\b(?:[Nn]ewsletters?|[Ee]mails?|EMAILS?"
                r"|Emails|alerts|updates|bulletin|digest|inbox|notifications|Channel|channel|news|more)\b.{0,120}"
            ),
        ),
        "Sign up to our free weekly newsletter for the best of the harbour",
        "The group sent a newsletter to 4,000 members calling for a strike.",
    ),
    LineRule(
        "promotion.newsletter-widget",
        "promotion",
        (
            r"(?:thanks|thank you) for (?:signing up|subscribing|registering)!?.{0,80}",
            r"(?:sign up|subscribe)(?: now| today| here| for our emails| to our newsletters?)?[!.]?",
            r"keep an eye on your inbox.{0,80}",
            r"there was an error processing your subscription\.?",
            r"[\w ]{2,30} newsletter",
            r"invalid email.{0,80}",
            r"something went wrong, please try again later\.?",
            r"we use your sign-?up to provide content.{0,260}",
            r"(?:more info|privacy (?:policy|notice))",
            r"enter your e-?mail.{0,60}",
            r"i would like to be emailed.{0,200}",
        ),
        "Thanks for signing up!",
        "Sign up now or lose your place, recruits were told.",
        ignore_case=True,
    ),
    LineRule(
        "promotion.preferred-source",
        "promotion",
        (
            (
                r"(?:Add|Make|Choose) [A-Z][\w ]{2,40} (?:as )?(?:a|your) (?:[Pp]referred|[Tt]rusted) [Ss]ource."
                r"{0,120}"
            ),
        ),
        "Add Daily Planet as a Preferred Source on Google",
        "Add water as a trusted source of minerals.",
    ),
    LineRule(
        "promotion.reach-reporters",
        "promotion",
        (
            (
                r"(?:Reach the reporters?|Reach (?:him|her|them)|Contact (?:the )?(?:reporter|writer|author)s?|"
                r"Follow (?:the )?(?:reporter|author)s?)\b.{0,200}(?:@|https?:|Twitter).{0,160}"
            ),
            r"(?:More|Full|Complete) (?:AP|coverage) .{0,60}https?:.{0,160}",
        ),
        "Reach the reporters on Twitter at http://twitter.com/MegKinnardAP",
        "Reach the reporters before noon, he ordered.",
    ),
    LineRule(
        "promotion.share",
        "promotion",
        (
            r"(?:read or )?share (?:this|the)(?: story| article| page| post)?:?(?: https?:\S+| on .{2,40})?",
            r"share (?:on|via) (?:facebook|twitter|whatsapp|email|x)",
            r"tweet",
            r"facebook",
            r"copy link",
            r"save",
            r"print",
            r"email this",
        ),
        "Read or Share this story: http://usat.ly/2fgYabD",
        "She wanted to share this story: her brother was no spy.",
        ignore_case=True,
    ),
    LineRule(
        "promotion.stay-informed",
        "promotion",
        (
            (
                r"Stay (?:informed|up to date|updated|connected|ahead) (?:with|on) [^\"“”]{2,80}(?:source|"
                r"newsletter|month|inbox|subscribe|channel|news|app)\b.{0,300}"
            ),
        ),
        "Stay informed with The Namibian – your source for credible journalism. Subscribe for N$85 a month.",
        "Stay informed with care, doctors said.",
    ),
    LineRule(
        "promotion.story-tip",
        "promotion",
        (
            (
                r"(?:Do you have|Have you got|Got|Have) (?:a|any|an?) (?:story|stories|tip|news tip|question|"
                r"opinion|confidential tip|view)\b[^\"“”]{0,80}\?\s?(?:[A-Z].{0,240})?"
            ),
            (
                r"(?:We pay for (?:your )?(?:stories|videos|pictures)|Tell us what (?:YOU|you) think)[!.… ]{1,4}."
                r"{0,240}"
            ),
            (
                r"If you have (?:a story|been affected by|any information about this story)\b.{0,60}(?:email|"
                r"contact|call|get in touch|@).{0,160}"
            ),
        ),
        "Do you have a story to tell? Email: emma.mackenzie@reachplc.com",
        "“Do you have a story to tell?” the lawyer asked.",
    ),
    LineRule(
        "promotion.subscribe",
        "promotion",
        (
            (
                r"Subscribe (?:to|for|and|today|here|via) [^\"“”]{2,100}(?:channel|podcast|newsletter|videos|"
                r"access|reviews|unlimited|digital|premium|Apple|Spotify)\b.{0,120}"
            ),
            r"Already a (?:subscriber|member)\?.{0,40}",
            r"(?:Log ?in|Sign in) (?:or (?:create|subscribe|sign up)|to continue)\b.{0,80}",
            r"Access the most recent journalism from .{2,80}",
            r"Enjoying our latest content\?",
            r"To (?:read|continue reading) (?:this|the full) (?:story|article).{0,120}",
        ),
        "Log in or create an account to continue",
        "Subscribe to that view and you are lost.",
    ),
    LineRule(
        "promotion.wall",
        "promotion",
        (
            (
                rf"(?:Please )?(?:Subscribe|Register|Sign up|Sign in|Log ?in|Join)(?: now| today| for free| here)?,? "
                rf"to (?:continue|keep reading|read (?:the|this|more|on)|unlock (?:the|this)){_NO_QUOTE}{{0,60}}"
            ),
            rf"(?:To|Want to) (?:continue|keep) reading{_NO_QUOTE}{{0,40}}[,?] (?:please )?{_ASKED}{_NO_QUOTE}{{0,80}}",
            r"(?:Please )?Subscribe (?:now|today) (?:for|from) (?:only|just)? ?[\w£$€.,]{1,8} ?[\w£$€ /]{0,30}[.!]?",
            _LOG_IN,
            (
                r"This (?:article|story|content|post) is (?:only )?(?:available )?(?:exclusively )?(?:for|to|"
                r"reserved for) (?:paid |our )?(?:subscribers|members)(?: only)?[.!]?"
            ),
            (
                r"(?:Jetzt|Diesen Artikel|Artikel) (?:weiterlesen|freischalten)"
                r"(?: (?:mit|für|nach)\b[^\"“”„:]{1,60})?[.!]?"
            ),
            r"(?:Jetzt )?(?:abonnieren|registrieren|anmelden|testen) und weiterlesen[.!]?",
            (
                r"(?:Sie haben bereits ein Abo|Sie sind bereits Abonnent(?:in)?|(?:Schon|Bereits) (?:ein )?"
                rf"Abo(?:nnent)?)\?{_NO_QUOTE}{{0,40}}"
            ),
            (
                r"(?:Melden Sie sich an|Registrieren Sie sich|Abonnieren Sie),? um "
                rf"(?:weiterzulesen|weiter zu lesen|{_NO_QUOTE}{{2,40}} zu lesen)[.!]?"
            ),
            (
                r"Dieser (?:Artikel|Inhalt|Text|Beitrag) ist (?:nur|exklusiv) für "
                r"(?:unsere )?Abonnent(?:en|innen)\b.{0,30}"
            ),
            (
                r"(?:Abonnez|Connectez|Inscrivez)-vous (?:gratuitement )?pour "
                rf"(?:lire|continuer|accéder|poursuivre){_NO_QUOTE}{{0,80}}"
            ),
            r"(?:Vous êtes )?[Dd]éjà abonnée? ?\?(?: (?:Connectez-vous|Se connecter|Identifiez-vous).{0,20})?",
            r"(?:Cet|Ce) (?:article|contenu|texte) est réservé (?:aux|à nos) abonnés[.!]?",
            r"(?:La suite|La suite de cet article) est réservée (?:aux|à nos) abonnés[.!]?",
            (
                r"(?:Suscríbe(?:te|se)|Suscríbase|Regístr(?:ate|ese)|Inici[ae] sesión) (?:gratis )?para "
                rf"(?:seguir|continuar|leer){_NO_QUOTE}{{0,60}}"
            ),
            r"¿Ya (?:eres|es) (?:suscriptora?|socio)\?(?: (?:Inicia|Inicie|Iniciar) sesión.{0,20})?",
            r"¿Quieres seguir leyendo\?(?: (?:Suscríbete|Hazte|Regístrate)\b.{0,40})?",
            r"(?:Contenido|Artículo) exclusivo para (?:suscriptores|socios)[.!]?",
        ),
        "Subscribe to continue reading. Already a subscriber? Log in.",
        "“Subscribe to continue reading,” says the box that readers meet.",
    ),
    LineRule(
        "promotion.watch-more",
        "promotion",
        (
            (
                r"(?:explore|discover|view|browse) (?:the |our )?(?:latest|all|more) (?:features|stories|articles|"
                r"offers|comments|from)\b.{0,100}"
            ),
        ),
        "Explore the latest features & opinion covering groundbreaking research",
        "Explore the caves, said the guide.",
        ignore_case=True,
    ),
)

promotions = line_family(PROMOTIONS)
