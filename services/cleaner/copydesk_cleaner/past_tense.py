"""Whether a sentence tells what happened, in languages other than English: pictures show what is, stories what was.

A form of the past is told by its ending or by a list, and only in a sentence that holds a function word of the
language, or its letters. What is none of these is not known to be of the past.
"""

# Both alphabets, and the apostrophes that publishers print.
# ruff: noqa: RUF001

import re
from collections.abc import Iterator
from dataclasses import dataclass

_ENGLISH = re.compile(r"\b(?:the|of|and|at|with|his|her|after|was|were|has|have)\b", re.IGNORECASE)


@dataclass(frozen=True)
class _Past:
    """What tells the language, what tells the past, and words that only end like it."""

    language: re.Pattern[str]
    forms: re.Pattern[str]
    others: frozenset[str] = frozenset()


def _past(language: str, forms: str, others: str = "") -> _Past:
    markers = re.compile(rf"\b(?:{language})\b|\b[lLdD]['’]", re.IGNORECASE)
    return _Past(markers, re.compile(rf"\b(?:{forms})\b"), frozenset(others.split()))


# Nouns and others that end like the past of Russian and Ukrainian verbs.
_CYRILLIC_OTHERS = (
    "канал зал вокзал журнал сигнал материал персонал капитал металл финал финала скандал скандала футбол протокол "
    "причала причалы стол пол угол отдел отдела предел раздел дело тело село начало мало около стекло сила скала "
    "школа неделя недели модели цели если или медали детали ели двери мили пули стула стул караул тыл тыла вокзала "
    "канала журнала материала сигнала материалы персонала капитала отделе вдали издали зала штурвал арсенал карнавал "
    "интервал фестиваля адмирал генерал генерала адмирала либерал минерал автомобили автомобиля стили апрели "
    "крокодил перевал перевала провал провала подвал подвала обвал обвала завал завала овал причал "
    "урал урала мемориал мемориала сериал сериала потенциал потенциала квартал квартала посол посола престол пистолет "
    "ангел дятел котел узел козел орел тоннели туннели панели отели прокол мыло крыло одеяло зеркало "
    "покрывало сало горло масло весло число кресло ремесло прав справ держав пив мотив колектив актив архив залив "
    "став состав устав нрав сплав рукав архів масив архітектив позитив наплив вплив прояв заяв позив розлив прилив "
    "дозвіл тіло діло крило канали сигнали журнали матеріали вокзали скандали квартали хвили коли ніколи рано стілі "
    "медалі цілі чотири трамваїв музеїв країв героїв боїв гаїв строїв водіїв подій активів мостив кооператив лосьйон "
    "тилив об'їв світило світила "
)
_PASTS = (
    _past(
        "der|die|das|den|dem|des|ein|eine|einen|einer|im|am|beim|vom|zum|zur|und|mit|nach|er|es|sie",
        "war|waren|wurde|wurden|hatte|hatten|trat|traten|kam|kamen|ging|gingen|fiel|fielen|gab|gaben|nahm|nahmen|starb|"
        "starben|brach|brachen|begann|begannen|verlor|verloren|gewann|gewannen|blieb|blieben|stieg|stiegen|sank|sanken|"
        "schlug|schlugen|fand|fanden|rief|riefen|lief|liefen|fuhr|fuhren|zog|zogen|schloss|schlossen|traf|trafen|"
        "musste|mussten|konnte|konnten|wollte|wollten|sollte|sollten|sprach|sprachen|schrieb|schrieben|schied|floh|"
        "flohen|entschied|entschieden|unterlag|erhielt|erhielten|verließ|verließen|brannte|brannten|stürzte|stürzten|"
        "endete|endeten|dauerte|dauerten|kehrte|kehrten|scheiterte|scheiterten|siegte|siegten|meldete|meldeten|"
        "stoppte|stoppten|sagte|sagten|lehnte|lehnten|kündigte|kündigten|verhaftete|platzte|rettete|retteten|"
        "\\w{3,}(?:[rlgt]|ch|tz|ck|ll|mm|nn|hn|ft|st)ten?(?=[.,]? [a-zäöü]|[.,]?$)|"
        "(?:hat|haben|ist|sind)(?: [\\w-]+){0,8} (?:ge\\w{2,}(?:t|en)|(?:ver|be|ent|er|zer)\\w{2,}(?:t|en)|\\w+iert"
        "|(?:auf|ab|an|aus|ein|zurück|fest|vor|nach|um|unter|weg)ge\\w{2,}(?:t|en))",
        "heute bitte leute hälfte beste erste letzte nächste leichte rechte schlechte gute alte bunte breite tote rote "
        "weite späte erhöhte bekannte beliebte hunderte seite mitte kosten besten ersten letzten nächsten alten guten "
        "toten weiten roten zeiten gärten worten orten minuten bunten breiten",
    ),
    _past(
        "le|la|les|un|une|des|du|de|au|aux|et|en|il|elle|ils|elles|son|sa|ses",
        "(?:a|ont|avait|avaient)(?: (?:pas|déjà|aussi|été|ensuite|finalement|\\w+ment))? \\w{2,}(?:é|ée|és|ées|i|is|it|"
        "u|us|ert)|s['’](?:est|étai\\w+) \\w+|se sont \\w+|n['’](?:a|ont) (?:pas|rien|jamais|plus) \\w+|étai(?:t|ent)|"
        "fut|furent|\\w{3,}èrent|"
        "(?:est|sont) (?:mort|né|parti|arrivé|venu|devenu|resté|tombé|entré|sorti|allé|revenu|décédé|intervenu|"
        "reparti|rentré|monté|descendu)e?s?",
    ),
    _past(
        "el|la|los|las|un|una|del|de|al|y|en|su|sus|con|se|lo",
        "\\w{2,}(?:ó|aron|ieron)|fue|fueron|hizo|hicieron|dijo|dijeron|tuvo|tuvieron|puso|pusieron|dio|dieron|"
        "vio|quiso|pudo|"
        "pudieron|estuvo|estuvieron|hubo|vino|vinieron|supo|trajo|condujo|redujo|produjo|era|eran|había|habían|"
        "(?:ha|han) (?:sido|\\w+(?:ado|ido)|muerto|hecho|dicho|visto|puesto|vuelto|abierto|roto|escrito)",
        "paletó varón aron barón",
    ),
    _past(
        "il|lo|la|i|gli|le|un|una|uno|del|della|dei|delle|al|alla|di|e|in|nel|nella|si",
        "(?:ha|hanno|aveva|avevano)(?: (?:già|anche|poi|non|\\w+mente))? \\w+(?:ato|uto|ito|so|to)|si (?:è|sono) \\w+|"
        "(?:è|sono) stat[oaie]|era|erano|fu|furono|\\w{3,}(?:ò|arono|irono|erono)|disse|dissero|"
        "(?:è|sono) (?:mort|nat|arrivat|andat|tornat|uscit|entrat|cadut|rimast|partit|sces|salit|venut|crollat|finit)"
        "[oaie]",
        "però cosò",
    ),
    _past(
        "o|a|os|as|um|uma|do|da|dos|das|no|na|nos|nas|ao|e|de|em|se|com",
        "\\w{2,}(?:ou|aram|eram|iram)(?:-se)?|\\w{3,}iu(?:-se)?|(?:morr|nasc|perd|venc|receb|aconteceu|acontec|"
        "bat|romp|"
        "escrev|ocorr|corr|prend|defend|respond|desaparec|vend|parec|apareceu|sofr|recolh|escolh|reconhec|promet|"
        "met|volv|dev|esquec|conhec|oferec|com|beb|viv)eu(?:-se)?|foi|foram|era|eram|tinha|tinham|disse|disseram|fez|"
        "fizeram|teve|tiveram|veio|vieram|pôs|quis|pôde|esteve|estiveram|houve|deu|deram|viu|caiu|caíram|saiu|saíram",
        "outrou",
    ),
    _past(
        "de|het|een|van|op|in|bij|met|en|is|zijn|naar|voor|uit",
        "waren|werd|werden|kwam|kwamen|ging|gingen|stapte|stapten|zei|zeiden|vond|vonden|kreeg|kregen|nam|namen|viel|"
        "vielen|liet|lieten|overleed|overleden|stierf|stierven|won|wonnen|verloor|verloren|begon|begonnen|brak|braken|"
        "sloot|sloten|reed|reden|liep|liepen|riep|riepen|moest|moesten|kon|konden|wilde|wilden|zag|zagen|trok|trokken|"
        "bleef|bleven|steeg|stegen|daalde|daalden|stemde|stemden|besloot|besloten|meldde|meldden|vertrok|vertrokken|"
        "gaf|gaven|hield|hielden|botste|botsten|raakte|raakten|redde|redden|keerde|keerden|eindigde|mislukte|"
        "mislukten|hadden|(?:heeft|hebben|is|zijn)(?: [\\w-]+){0,8} (?:ge\\w{2,}(?:d|t|en)|(?:ver|be|ont|"
        "her)\\w{2,}(?:d|t|en)"
        "|(?:op|af|aan|uit|in|terug|vast|voor|na|om|weg)ge\\w{2,}(?:d|t|en))",
    ),
    _past(
        "(?:w|we|z|ze|i|na|do|od|po|przez|się|u|za|nie|jest|są|pod|przed|dla)|\\w*[ąęłńśźż]\\w*",
        "\\w{2,}(?:ał|ił|ył|ął|ęł|iał|kł|gł|dł|tł|sł|zł)[aoy]?(?: się)?|\\w{2,}(?:ali|ili|yli|ęli|eli)(?: się)?|"
        "został[aoiy]?|zostali|był[aoiy]?|byli|"
        "był|zmarł[aoy]?|zmarli|wszedł|wyszedł|odszedł|przyszedł|doszło|weszł[aoy]|wyszł[aoy]|mógł|mogł[aoy]|"
        "padł[aoy]?|"
        "\\w{3,}(?:nięto|ięto|iono)",
        "masła masło mgła mgło tło tła hasło hasła źródła źródło zła zło złe ciepło pudło szkło szkła krzesła krzesło "
        "światła światło dzieła mała małe mało mały cała cało cały biała białe białą biały stała stały dział "
        "działa działy materiał materiały "
        "udział udziały kapitał kapitały sygnał sygnały kanał kanały skali hali fali chwili mili czyli jeśli stali "
        "chwała skała skały siły siła siło żyli tyły cykl żyła grono wiosny krótko oddział oddziały przedział rozdział "
        "wydział zapał upał upały zawał zawały ideał finał finały festiwali portali szpitali dali wspaniała wspaniały "
        "wspaniałe doskonały doskonała trwały trwała okazały dojrzały śmiały śmiała mgły cieli niedzieli "
        "kąpieli pościeli przyjaciół obywateli nauczycieli mieszkań właścicieli przedstawicieli wielbicieli dzieli",
    ),
    _past(
        "[а-яё]+",
        "[а-яё]{2,}(?:ал|ил|ыл|ел|ял|ул|ёл|ол)(?:[аои]|ся|ась|ось|ись)?|[а-яё]{2,}(?:ала|ила|ыла|ела|яла|ула|ало|"
        "ило|ыло|"
        "ело|яло|уло|али|или|ыли|ели|яли|ули|шла|шло|шли|гла|гло|гли|зла|зли|сла|сли|шёл|шел|мер|мерла|мерли|стиг|гиб|"
        "гибла|гибли)(?:с[ья])?|[а-яё]{3,}(?:алась|илась|елась|алось|илось|ались|ились|елись|лся)|был[аои]?",
        _CYRILLIC_OTHERS,
    ),
    _past(
        "[а-яіїєґ'’]+",
        "[а-яіїєґ]{2,}(?:ав|ив|яв|їв|ув|вся|шов|міг|мер)(?:ся)?|[а-яіїєґ]{2,}(?:ала|ила|яла|іла|їла|ула|ало|ило|"
        "яло|іло|їло|уло|"
        "али|или|яли|іли|їли|ули|йшла|йшло|йшли|гла|гли|мерла|мерли|нуто|ено|ано)(?:с[яь])?|був|була|було|були",
        _CYRILLIC_OTHERS,
    ),
)


def past_start(sentence: str) -> int | None:
    """Where the first verb of the past begins in a sentence in German, French, Spanish, Italian, Portuguese, Dutch,
    Polish, Russian or Ukrainian; ``None`` without one.
    """
    if _ENGLISH.search(sentence):
        return None
    return min((start for past in _PASTS for start in _starts(past, sentence)), default=None)


def _starts(past: _Past, sentence: str) -> Iterator[int]:
    if past.language.search(sentence):
        for match in past.forms.finditer(sentence):
            if match[0][0].islower() and match[0].split()[0] not in past.others:
                yield match.start()
                return
