"""By what walls are known: tables of hosts, paths, titles, markup and phrases, in the languages we have seen them in.

Phrases speak to the reader ("we use cookies"); words that a story could use ("cookies") are not among them.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from copydesk_shared.messages import Access

ANY = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Rule:
    """A sign that counts where the page has less than ``story_below`` characters of story.

    Where it has less than ``wall_below``, what is there is not the story.
    """

    name: str
    access: Access
    story_below: int
    wall_below: int


# Statuses by which a server keeps a story back from us.
KEPT_BACK: Mapping[int, Access] = {401: "paywall", 402: "paywall", 403: "partial"}
# The first that counts decides.
RULES: Sequence[Rule] = (
    Rule("challenge-title", "partial", 600, 600),
    Rule("consent-redirect", "consent", ANY, ANY),
    Rule("consent-address", "consent", 600, 600),
    Rule("login-redirect", "paywall", 1000, 600),
    Rule("challenge-markup", "partial", 250, 250),
    Rule("consent-phrases", "consent", 400, 400),
    Rule("login-form", "paywall", 250, 250),
    Rule("json-ld", "paywall", ANY, 200),
    Rule("content-tier-locked", "paywall", ANY, 200),
    Rule("wall-at-the-end", "paywall", ANY, 150),
    Rule("content-tier-metered", "partial", 1500, 200),
    Rule("paywall-phrase", "paywall", 1500, 150),
    Rule("paywall-markup", "paywall", 700, 150),
)

CONSENT_HOSTS = re.compile(
    r"(?:consent|guce|privacy-?cent(?:er|re)|myprivacy|cookiewall|cookie-?consent|privacygate|zustimmung)\."
)
CONSENT_SEGMENTS = frozenset(
    "cookie-consent cookieconsent cookiewall cookie-wall cookies-not-accepted privacy-wall privacywall privacy-gate "
    "privacy-center collectconsent gdpr-consent".split(),
)
# A story can have such an address too.
MAYBE_CONSENT_SEGMENTS = frozenset("consent zustimmung einwilligung consentement consentimiento".split())
LOGIN_SEGMENTS = frozenset(
    "login log-in signin sign-in sso anmelden anmeldung einloggen connexion se-connecter identification "
    "iniciar-sesion acceso inloggen accedi entrar registrieren".split(),
)
LOGIN_HOSTS = re.compile(r"(?:login|signin|sso|auth|accounts?|identity|konto)\.")

CHALLENGE_TITLES: tuple[str, ...] = (
    "just a moment", "attention required! | cloudflare", "access denied", "pardon our interruption", "robot check",
    "are you a robot", "are you human", "please verify you are a human", "human verification", "security check",
    "checking your browser", "ddos-guard", "un momento…", "un instant…", "nur einen moment", "einen moment, bitte",
    "bot verification", "please wait... | cloudflare", "client challenge", "validate user", "captcha",
    "verifying you are human", "vérification de sécurité", "sicherheitsüberprüfung", "comprobación de seguridad",
)  # fmt: skip
CHALLENGE_MARKUP = (
    "/cdn-cgi/challenge-platform/", "cf-chl-", "cf-turnstile", "_Incapsula_Resource", "px-captcha",
    "captcha-delivery.com", "awswaf.com", "g-recaptcha", "h-captcha", "geo.captcha", "ddos-guard", "sec-if-cpt",
    "Request unsuccessful. Incapsula", "friendly-captcha", "frc-captcha",
)  # fmt: skip
PASSWORD_FIELDS = ('type="password"', "type='password'", "type=password")
# In the class, id or data attribute of an element.
PAYWALL_MARKUP = (
    "paywall", "pay-wall", "regwall", "reg-wall", "subscriber-only", "subscribers-only", "subscriberonly",
    "premium-content", "premium-teaser", "article-locked", "article--locked", "locked-content", "is-locked",
    "piano-inline", "piano-container", "tp-container", "meteredcontent", "metered-content", "abo-teaser", "abo-wall",
    "aux-abonnes", "reserve-abonnes", "muro-de-pago", "plus-teaser", "barrier-page",
)  # fmt: skip
# Those of them that mean the wall itself. With a phrase in it and no story after it, the story ends there.
EXPLICIT_MARKUP = ("paywall", "pay-wall", "regwall", "reg-wall", "barrier-page", "muro-de-pago", "abo-wall")
# Each of them has one of these in it: most pages have none, and these few are sooner looked for.
EXPLICIT_STEMS = ("wall", "barrier-page", "muro-de-pago")
HIDDEN = re.compile(r"""[\s"'](?:hidden|aria-hidden=["']?true)(?=[\s"'/>=]|$)|display:\s*none""", re.IGNORECASE)

TALK: Mapping[str, Sequence[str]] = {
    "consent-phrases": (
        # English
        "we and our ", "we value your privacy", "we care about your privacy", "your privacy is important",
        "we use cookies", "uses cookies to", "accept all", "reject all", "allow all", "manage preferences",
        "manage your preferences", "manage cookies", "manage options", "manage settings", "manage my choices",
        "your privacy choices", "withdraw your consent", "withdraw consent", "store and/or access information",
        "before you continue to", "consent to cookies", "consent to the use of", "continue without accepting",
        "agree and continue", "i agree to cookies", "yes, i agree", "pay to reject", "cookie policy", "vendor list",
        # German
        "wir und unsere", "wir verwenden cookies", "wir nutzen cookies", "wir setzen cookies",
        "wir schätzen ihre privat", "ihre privatsphäre", "alle akzeptieren", "alles akzeptieren", "alle ablehnen",
        "alle cookies", "akzeptieren und weiter", "zustimmen und weiter", "einwilligen und weiter", "mit werbung",
        "weiter mit werbung", "mit ihrer einwilligung", "ihre einwilligung", "ihre zustimmung",
        "einstellungen verwalten", "einstellungen anpassen", "cookie-einstellungen", "werbefrei lesen", "pur-abo",
        "ohne werbung lesen",
        # French
        "nous et nos", "nous utilisons des cookies", "nous respectons votre vie privée", "votre vie privée",
        "tout accepter", "tout refuser", "accepter et continuer", "accepter et fermer", "accepter tous les cookies",
        "accepter les cookies", "continuer sans accepter", "gérer mes choix", "paramétrer les cookies",
        "paramétrer mes choix", "personnaliser mes choix", "votre consentement", "dépôt de cookies",
        "refuser les cookies",
        # Spanish
        "nosotros y nuestros", "utilizamos cookies", "usamos cookies", "valoramos tu privacidad",
        "valoramos su privacidad", "tu privacidad", "aceptar todo", "aceptar todas", "rechazar todo",
        "rechazar todas", "aceptar y continuar", "aceptar cookies", "configurar cookies", "configurar las cookies",
        "gestionar preferencias", "gestionar opciones", "continuar sin aceptar", "su consentimiento",
        "tu consentimiento",
        # Italian, Dutch, Portuguese
        "noi e i nostri", "utilizziamo i cookie", "accetta tutti", "accetta e continua", "continua senza accettare",
        "rifiuta tutti", "wij en onze", "alles accepteren", "alles weigeren", "akkoord en doorgaan",
        "wij gebruiken cookies", "jouw privacy", "nós e os nossos", "aceitar tudo", "aceitar todos", "rejeitar tudo",
        "a sua privacidade",
    ),
    "login-form": (
        "log in to", "sign in to", "log in with", "sign in with", "forgot password", "forgot your password",
        "forgotten your password", "create an account", "create your account", "create a free account", "remember me",
        "melden sie sich an", "loggen sie sich ein", "passwort vergessen", "konto erstellen", "account erstellen",
        "angemeldet bleiben", "mot de passe oublié", "connectez-vous", "se connecter", "créer un compte",
        "rester connecté", "inicia sesión", "iniciar sesión", "olvidaste tu contraseña", "olvidado tu contraseña",
        "olvidado su contraseña", "crear una cuenta", "wachtwoord vergeten", "password dimenticata",
        "esqueceu a senha", "esqueceu-se da",
    ),
    "paywall-phrase": (
        # English
        "subscribe to continue", "subscribe to keep reading", "subscribe to read", "subscribe to unlock",
        "subscribe now to continue", "subscribe now to read", "sign in to continue reading", "sign in to read",
        "log in to continue reading", "log in to keep reading", "register to continue", "register to read",
        "register for free to continue", "register now to continue", "sign up to continue", "sign up to keep reading",
        "join to continue", "create a free account to continue", "create an account to continue reading",
        "to continue reading this", "to read the full article", "to read the full story", "to read the rest of this",
        "to keep reading, subscribe", "article is for subscribers", "article is for members",
        "story is for subscribers", "post is for paid subscribers", "post is for subscribers",
        "article is only available to", "available to subscribers only", "available only to subscribers",
        "exclusively for subscribers", "for subscribers only", "reserved for subscribers", "subscriber-only article",
        "subscriber-only content", "your last free article", "reached your free article limit",
        "reached your limit of free", "read your last free", "unlock this article", "unlock this story",
        "keep reading with a subscription", "continue reading with a subscription", "already a subscriber? log in to",
        "to continue reading, please", "to continue reading, subscribe", "to continue reading, log in",
        "to continue reading, sign", "to continue reading, register", "to continue reading, create",
        "to keep reading, please", "please subscribe to continue", "please log in to continue reading",
        "please subscribe to read", "subscribe now for only", "subscribe now for just", "subscribe today for only",
        "register for free to read", "sign up for free to read", "register to keep reading",
        "already have a subscription? log in", "already have a subscription? sign in",
        "you have read all your free articles", "you have reached your article limit",
        # German
        "jetzt weiterlesen", "weiterlesen mit", "weiterlesen nach", "diesen artikel weiterlesen",
        "artikel weiterlesen", "artikel freischalten", "ganzen artikel lesen", "vollständigen artikel",
        "nur für abonnenten", "nur für abonnentinnen", "exklusiv für abonnent", "artikel ist für abonnent",
        "inhalt ist für abonnent", "um weiterzulesen", "um weiter zu lesen", "um den artikel zu lesen",
        "um diesen artikel", "mit dem abo weiter", "lesen sie diesen artikel mit", "dieser artikel ist exklusiv",
        "registrieren und weiterlesen", "testen und weiterlesen",
        "jetzt abonnieren und weiterlesen", "jetzt registrieren und", "sie haben bereits ein abo?", "bereits abonnent?",
        "sie sind bereits abonnent", "bitte melden sie sich an, um", "weiter lesen mit dem abo", "für nur 1 € weiter",
        # French
        "article est réservé aux", "article réservé aux abonnés", "contenu réservé aux abonnés",
        "réservé à nos abonnés", "abonnez-vous pour lire", "abonnez-vous pour continuer", "abonnez-vous pour accéder",
        "abonnez-vous pour poursuivre", "connectez-vous pour lire", "connectez-vous pour continuer",
        "inscrivez-vous pour lire", "pour lire la suite", "lire la suite de cet article",
        "suite de cet article est réservée", "la suite est réservée", "pour continuer la lecture",
        "poursuivre la lecture", "de cet article à lire", "de cet article à découvrir", "abonnez-vous dès 1",
        "abonnez-vous pour 1", "déjà abonné ? connectez-vous", "déjà abonné ? se connecter", "vous êtes déjà abonné ?",
        "créez un compte pour lire", "pour lire cet article",
        # Spanish
        "suscríbete para seguir", "suscríbete para leer", "suscríbete para continuar", "suscríbase para",
        "regístrate para seguir", "regístrate para leer", "inicia sesión para seguir",
        "contenido exclusivo para suscriptores", "artículo exclusivo para suscriptores", "solo para suscriptores",
        "sólo para suscriptores", "para seguir leyendo", "para continuar leyendo", "exclusivo para socios",
        "¿quieres seguir leyendo", "¿ya eres suscriptor", "¿ya estás suscrito", "suscríbete ahora por",
        "suscríbete desde", "regístrate gratis para", "hazte suscriptor para", "para leer el artículo completo",
        # Italian, Dutch, Portuguese
        "riservato agli abbonati", "abbonati per continuare", "abbonati per leggere", "per continuare a leggere",
        "alleen voor abonnees", "lees verder met een abonnement", "om verder te lezen", "exclusivo para assinantes",
        "assine para continuar", "assine para ler",
    ),
}  # fmt: skip
# How many different phrases make a sign.
PHRASES_NEEDED: Mapping[str, int] = {"consent-phrases": 2, "login-form": 1, "paywall-phrase": 1}
