"""Walls and honest pages, written for the tests, after the kinds that one meets. ``STORY`` is a story of each language."""

STORY = {
    "en": "The harbour board met on Friday to hear the complaint of the ferry crews about the new winter timetable. "
    "It will publish its answer next week, the chairwoman told the members after the meeting had closed.",
    "de": "Der Hafenrat hat am Freitag über die Beschwerde der Fährleute gegen den neuen Winterfahrplan beraten. "
    "Die Antwort soll in der nächsten Woche vorliegen, sagte die Vorsitzende nach dem Ende der Sitzung.",
    "fr": "Le conseil du port s'est réuni vendredi pour entendre la plainte des équipages contre le nouvel horaire. "
    "Il publiera sa réponse la semaine prochaine, a dit la présidente après la fin de la séance.",
    "es": "La junta del puerto se reunió el viernes para escuchar la queja de las tripulaciones por el nuevo horario. "
    "Publicará su respuesta la semana que viene, dijo la presidenta después del cierre de la sesión.",
}


def story(language: str, paragraphs: int) -> str:
    """An article element with this many paragraphs."""
    return "<article>" + f"<p>{STORY[language]}</p>\n" * paragraphs + "</article>"


def page(body: str, *, title: str = "A story of the harbour", head: str = "") -> str:
    return f"<!doctype html><html><head><title>{title}</title>{head}</head><body>{body}</body></html>"


NOT_FREE = '<script type="application/ld+json">{"@context":"https://schema.org","@type":"NewsArticle","headline":"A",\
"isAccessibleForFree":%s,"hasPart":{"@type":"WebPageElement","isAccessibleForFree":%s,"cssSelector":".paid"}}</script>'
FREE = NOT_FREE % ("true", "true")
BANNER = {
    "en": "<div class='cookie-banner'><p>We and our 842 partners store and/or access information on a device. "
    "We value your privacy.</p><button>Accept all</button><button>Reject all</button><button>Manage preferences</button></div>",
    "de": "<div id='cmp'><p>Wir und unsere Partner verwenden Cookies. Wir verwenden Cookies, um Ihre Privatsphäre zu "
    "achten. Ihre Einwilligung können Sie jederzeit widerrufen.</p><button>Alle akzeptieren</button></div>",
    "fr": "<div id='didomi'><p>Nous et nos 210 partenaires utilisons des traceurs. Votre vie privée compte pour nous.</p>"
    "<button>Continuer sans accepter</button><button>Tout accepter</button></div>",
    "es": "<div id='cookies'><p>Nosotros y nuestros socios usamos cookies. Valoramos tu privacidad.</p>"
    "<button>Aceptar todo</button><button>Rechazar todo</button></div>",
}
LOGIN = "<form action='/login'><input name='user'><input type='password' name='p'>%s</form>"

# name: (page, where it came from, access, the rule that says so)
WALLS: dict[str, tuple[str, str, str, str]] = {
    "consent en": (page(BANNER["en"], title="Your privacy"), "", "consent", "consent-phrases"),
    "consent de": (page(BANNER["de"], title="Einwilligung"), "", "consent", "consent-phrases"),
    "consent fr": (page(BANNER["fr"]), "", "consent", "consent-phrases"),
    "consent es": (page(BANNER["es"]), "", "consent", "consent-phrases"),
    "consent in long paragraphs": (
        page(
            BANNER["en"]
            + "<p>We use cookies to measure how people read us, and our partners show them advertisements.</p>" * 30
        ),
        "", "consent", "consent-phrases",
    ),
    "consent by redirect to a host": (
        page("<p>Before you go on.</p>"), "https://consent.news.example/collect?sessionId=1", "consent",
        "consent-redirect",
    ),
    "consent by redirect to a path": (
        page(story("en", 20)), "https://www.news.example/privacy-gate/?back=%2Fstory", "consent", "consent-redirect",
    ),
    "consent by redirect to guce": (page(""), "https://guce.news.example/consent?brand=x", "consent", "consent-redirect"),
    "login by redirect": (
        page(LOGIN % "Log in"), "https://www.news.example/login?return=/story", "paywall", "login-redirect",
    ),
    "login by redirect to a host": (
        page("<p>Sign in.</p>"), "https://accounts.news.example/start", "paywall", "login-redirect",
    ),
    "login form en": (page(LOGIN % "Forgot your password? Create an account"), "", "paywall", "login-form"),
    "login form de": (page(LOGIN % "<a>Passwort vergessen?</a> Konto erstellen"), "", "paywall", "login-form"),
    "login form fr": (page(LOGIN % "<a>Mot de passe oublié ?</a>"), "", "paywall", "login-form"),
    "login form es": (page(LOGIN % "<a>¿Olvidaste tu contraseña?</a> Iniciar sesión"), "", "paywall", "login-form"),
    "challenge": (
        page("<noscript>Enable JavaScript</noscript><script>window._cf_chl_opt={}</script>", title="Just a moment..."),
        "", "partial", "challenge-title",
    ),
    "challenge by markup": (
        page("<form><div class='h-captcha' data-sitekey='x'></div></form>", title="news.example"), "", "partial",
        "challenge-markup",
    ),
    "access denied": (page("<h1>Access Denied</h1>You don't have permission.", title="Access Denied"), "", "partial",
                      "challenge-title"),
    "paywall without a teaser": (
        page("<h1>Row</h1><div>Subscribe</div>", head=NOT_FREE % ("false", "false")), "", "paywall", "json-ld",
    ),
    "paywall phrase without a teaser": (
        page("<h1>Row</h1><div>Diesen Artikel weiterlesen mit dem Abo</div>"), "", "paywall", "paywall-phrase",
    ),
}  # fmt: skip

# name: (page, access, the rule): real text of the story that breaks off.
TEASERS: dict[str, tuple[str, str, str]] = {
    "json-ld": (page(story("en", 2), head=NOT_FREE % ("false", "false")), "paywall", "json-ld"),
    "json-ld as text": (page(story("en", 3), head=NOT_FREE % ('"False"', "true")), "paywall", "json-ld"),
    "json-ld of a part": (page(story("fr", 3), head=NOT_FREE % ("true", "false")), "paywall", "json-ld"),
    "tier": (
        page(story("en", 2), head='<meta property="article:content_tier" content="locked">'), "paywall",
        "content-tier-locked",
    ),
    "metered": (
        page(story("de", 2), head='<meta content="metered" property="article:content_tier">'), "partial",
        "content-tier-metered",
    ),
    "phrase en": (page(story("en", 2) + "<p>Subscribe to continue reading.</p>"), "paywall", "paywall-phrase"),
    "phrase de": (page(story("de", 2) + "<div>Jetzt weiterlesen mit Plus</div>"), "paywall", "paywall-phrase"),
    "phrase fr": (page(story("fr", 2) + "<p>Cet article est réservé aux abonnés.</p>"), "paywall", "paywall-phrase"),
    "phrase es": (page(story("es", 2) + "<p>Suscríbete para seguir leyendo</p>"), "paywall", "paywall-phrase"),
    "markup": (page(story("en", 2) + "<div class='article__paywall js-offer'>Offers</div>"), "paywall",
               "paywall-markup"),
    "a plea in paragraphs": (
        page(
            story("en", 2) + "<p>To continue reading, please subscribe to our newspaper.</p>"
            "<p>Subscribe now for only 1 euro a month.</p><p>Already have an account? Log in here.</p>"
        ), "paywall", "paywall-phrase",
    ),
    "a plea de": (page(story("de", 2) + "<p>Melden Sie sich an, um weiterzulesen.</p>"), "paywall", "paywall-phrase"),
    "a plea fr": (
        page(story("fr", 2) + "<p>Il vous reste 80 % de cet article à lire.</p>"), "paywall", "paywall-phrase",
    ),
    "a plea es": (
        page(story("es", 2) + "<p>¿Quieres seguir leyendo? Hazte socio.</p>"), "paywall", "paywall-phrase",
    ),
    "a registration wall after a long beginning": (
        page(story("en", 12) + "<section class='regwall'><p>Register for free to read the rest of this story.</p>"),
        "paywall", "wall-at-the-end",
    ),
    "a wall by its id": (
        page(story("de", 12) + "<div id='paywall-offer'><h3>Jetzt weiterlesen mit dem Abo</h3></div>"),
        "paywall", "wall-at-the-end",
    ),
}  # fmt: skip

COOKIE_LAW = (
    "<p>The court ruled on Friday that a banner with a large button to accept all cookies and none to refuse them is "
    "not consent. Publishers had argued that readers know what cookies are for.</p>"
)
# Stories that have been taken for walls: with banners beside them, about cookies, short, or with a log-in box.
HONEST: dict[str, str] = {
    "banner en": page(BANNER["en"] + story("en", 4)),
    "banner de": page(BANNER["de"] + story("de", 4)),
    "banner fr": page(BANNER["fr"] + story("fr", 4)),
    "banner es": page(story("es", 4) + BANNER["es"]),
    "banner and a long story": page(BANNER["en"] + story("en", 30), head=FREE),
    "about cookies": page("<article>" + COOKIE_LAW * 3 + story("en", 2) + "</article>"),
    "about cookies, with a banner": page(BANNER["en"] + "<article>" + COOKIE_LAW * 4 + f"<p>{STORY['en']}</p>" * 3),
    "about logging in": page(
        "<article><p>The bank asked its customers to change their passwords on Friday.</p>" + story("en", 3),
        title="Forgot your password? You are not alone",
    ),
    "a box to log in": page(f"<header>{LOGIN % 'Log in to your account'}</header>" + story("en", 3)),
    "a box to log in below": page(story("fr", 3) + LOGIN % "Mot de passe oublié ? Créer un compte"),
    "very short": page(story("en", 1)),
    "very short, with a banner": page(BANNER["de"] + story("de", 3) + "<footer>Alle Cookies</footer>"),
    "a newsletter box": page(story("en", 3) + "<p>Sign up to our newsletter and get it in your inbox.</p>"),
    "a paywall that is not used": page(story("en", 6) + "<script>var paywall={enabled:false}</script>", head=FREE),
    "a captcha for comments": page(story("es", 4) + "<form class='comment'><div class='g-recaptcha'></div></form>"),
    "the script of a protector": page(
        story("en", 3) + "<script src='/cdn-cgi/challenge-platform/scripts/jsd/main.js'></script>"
    ),
    "plain line breaks": page("<div>" + (STORY["de"] + "<br><br>") * 8 + "</div>" + BANNER["de"]),
    "no paragraphs at all": page(f"<div>{STORY['fr']}</div>" * 5),
    "free by its markup": page(story("en", 3), head=NOT_FREE % ("true", '"True"')),
    "a related story is not free": page(
        story("en", 9)
        + '<script type="application/ld+json">{"@type":"ItemList","itemListElement":[{"@type":"NewsArticle",'
        '"isAccessibleForFree":false}]}</script>'
    ),
    "an event with a price": page(
        story("en", 9) + '<script type="application/ld+json">{"@type":"Event","isAccessibleForFree":false}</script>'
    ),
    "a wall that is hidden": page(
        story("en", 12) + "<div class='paywall' hidden><p>Subscribe to continue reading.</p></div>"
    ),
    "a wall that no style shows": page(
        story("en", 12) + "<div class='paywall' style='display: none'><p>Subscribe to continue reading.</p></div>"
    ),
    "a wall above its story": page(
        "<div class='paywall'><p>Subscribe to continue reading.</p></div>" + story("en", 12)
    ),
    "the words of a wall in a script": page(
        story("en", 12) + "<script>var wall = '<div class=paywall>Subscribe to continue reading.</div>';</script>"
    ),
    "a paywall that says nothing": page(story("en", 12) + "<div class='paywall-offers'><p>Our offers</p></div>"),
    "about subscriptions": page(
        "<article><p>The newspaper said that readers must subscribe to go on reading its news from next year.</p>"
        + story("en", 3)
        + "</article>"
    ),
    "a title like a challenge": page(story("en", 5), title="Just a moment: the minister on patience"),
}
