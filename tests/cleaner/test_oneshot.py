import codecs
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk_cleaner.extraction.charsets import decode
from copydesk_cleaner.oneshot import looks_like_html, page_from
from copydesk_shared.errors import InputError
from copydesk_shared.identity import article_id
from copydesk_shared.messages import Page
from tests.cleaner.pages import NOW


def page(content: str | bytes, url: str | None = None) -> Page:
    return page_from(content, kind="auto", url=url, now=NOW)


def test_text_without_an_address_has_one_made_of_its_digest() -> None:
    made = page("Grüße")
    digest = hashlib.sha256("Grüße".encode()).hexdigest()
    assert made.url == made.canonical_url == f"urn:sha256:{digest}"
    assert made.article_id == article_id(made.url)
    assert (made.source.domain, made.content_type, made.fetched_at) == ("unknown", "text/plain", NOW)


def test_an_address_decides_identity_and_source() -> None:
    made = page("Text", "HTTPS://www.Example.co.uk/a?utm_source=x&b=1#top")
    assert made.canonical_url == "https://www.example.co.uk/a?b=1"
    assert (made.source.name, made.source.domain) == ("example.co.uk", "example.co.uk")


@pytest.mark.parametrize(
    "url", ["", "example.org", "file:///etc/passwd", "ftp://example.org/a", "http://", "javascript:alert(1)"]
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(InputError, match="not an absolute http or https URL"):
        page("Text", url)


@pytest.mark.parametrize(
    "text",
    [
        "<!doctype html><p>a",
        "  <html>",
        "<?xml version='1.0'?><html/>",
        "<p>One</p>",
        "Text <b>and</b> a line<br>and <br/> more",
        "A</p><p>B</p>",
    ],
)
def test_html_is_recognised(text: str) -> None:
    assert looks_like_html(text)
    assert page(text).content_type == "text/html"


@pytest.mark.parametrize("text", ["Plain text.", "a < b and c > d", "<3 is a heart", "He wrote </p> once.", "5 <6"])
def test_text_is_recognised(text: str) -> None:
    assert not looks_like_html(text)


def test_the_kind_can_be_given() -> None:
    assert page_from("Plain", kind="html", url=None, now=NOW).content_type == "text/html"
    assert page_from("<p>x</p>", kind="text", url=None, now=NOW).content_type == "text/plain"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("Grüße".encode(), "Grüße"),
        (codecs.BOM_UTF8 + "Grüße".encode(), "Grüße"),
        ("Grüße".encode("utf-16"), "Grüße"),
        (codecs.BOM_UTF16_BE + "Grüße".encode("utf-16-be"), "Grüße"),
        ("Grüße".encode("utf-32"), "Grüße"),
        ("Grüße “so”".encode("windows-1252"), "Grüße “so”"),
        ('<meta charset="koi8-r"><p>Привет'.encode("koi8-r"), '<meta charset="koi8-r"><p>Привет'),
        ('<meta charset="iso-2022-jp"><p>日本'.encode("iso-2022-jp"), '<meta charset="iso-2022-jp"><p>日本'),
        ('<meta charset="latin1"><p>Grüße “so”'.encode(), '<meta charset="latin1"><p>Grüße “so”'),
        ('<meta charset="no-such"><p>Grüße'.encode(), '<meta charset="no-such"><p>Grüße'),
        ('<meta charset="hex"><p>Grüße'.encode(), '<meta charset="hex"><p>Grüße'),
        ('<meta charset="utf-8"><p>Grüße'.encode("windows-1252"), '<meta charset="utf-8"><p>Grüße'),
    ],
)
def test_bytes_are_decoded(content: bytes, expected: str) -> None:
    assert decode(content) == expected


RUSSIAN = "Правление порта собралось в пятницу, чтобы выслушать жалобу экипажей на расписание паромов."
JAPANESE = "港湾委員会は金曜日に会合を開き、フェリーの時刻表に関する乗組員の苦情を聞いた。"
CHINESE = "港务委员会周五开会，听取渡轮船员对时刻表的投诉。决定将于周一作出。"
GERMAN = "Der Ausschuss hörte am Freitag die Beschwerden über den Fahrplan: „so“, heißt es, für 5 £."
HTML = "<!doctype html><html><head><title>x</title></head><body class='a b'><p>{}</p></body></html>"


@pytest.mark.parametrize("form", ["{}", HTML, "{}\n" * 400], ids=["text", "html", "long"])
@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("koi8-r", RUSSIAN),
        ("windows-1251", RUSSIAN),
        ("utf-16-le", RUSSIAN),
        ("utf-16-be", RUSSIAN),
        ("shift_jis", JAPANESE),
        ("euc_jp", JAPANESE),
        ("gb18030", CHINESE),
        ("big5", "港務委員會週五開會，聽取渡輪船員對時刻表的投訴。"),
        ("euc_kr", "항만 위원회는 금요일에 모여 여객선 승무원들의 시간표에 대한 불만을 들었다."),
        ("windows-1253", "Το συμβούλιο του λιμανιού συνεδρίασε την Παρασκευή για να ακούσει τα πληρώματα."),
        ("windows-1255", "מועצת הנמל התכנסה ביום שישי כדי לשמוע את תלונת צוותי המעבורות על לוח הזמנים."),
        ("windows-1256", "اجتمع مجلس الميناء يوم الجمعة للاستماع إلى شكوى أطقم العبارات بشأن الجدول الزمني."),
        ("windows-1252", GERMAN),
        ("utf-16-le", GERMAN),
    ],
)
def test_a_charset_that_nothing_declares_is_told_by_the_bytes(encoding: str, text: str, form: str) -> None:
    whole = form.format(text) if form is HTML else form.replace("{}", text)
    assert page(whole.encode(encoding)).content == whole


@pytest.mark.parametrize(
    ("declared", "used"),
    [
        ("windows-1251", "utf-8"),
        ("shift_jis", "utf-8"),
        ("utf-16", "utf-8"),
        ("utf-8", "windows-1251"),
        ("latin1", "koi8-r"),
        ("shift_jis", "windows-1251"),
        ("utf-16", "windows-1251"),
        ("euc-jp", "koi8-r"),
    ],
)
def test_a_wrong_declaration_is_not_believed_where_the_bytes_contradict(declared: str, used: str) -> None:
    whole = f'<meta charset="{declared}"><p>{RUSSIAN}</p>'
    assert page(whole.encode(used)).content == whole


def test_text_that_was_damaged_on_its_way_stays_what_it_was() -> None:
    damaged = RUSSIAN.encode()[1:-1] + b"\x93"
    assert page(damaged).content == "\ufffd" + RUSSIAN[1:-1] + "\ufffd"


def test_bytes_of_which_nothing_tells_the_charset_are_read_as_browsers_read_them() -> None:
    assert page("Správa přístavu".encode("windows-1250")).content == "Správa pøístavu"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "empty"),
        (" \n\t", "empty"),
        (b"abc\0def", "NUL"),
        ("abc\0", "NUL"),
        (b"%PDF-1.7 ...", "a PDF"),
        (b"\x89PNG\r\n\x1a\n", "a PNG image"),
        (b"PK\x03\x04 etc", "a zip archive"),
        (bytes(range(1, 9)) * 20, "control characters"),
        (codecs.BOM_UTF16_LE + b"\x00\xd8a", "byte order mark"),
    ],
)
def test_what_is_no_text_is_refused_in_one_line(content: str | bytes, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint) as caught:
        page(content)
    assert "\n" not in str(caught.value)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_page_or_refused(content: bytes) -> None:
    try:
        made = page(content)
    except InputError:
        return
    assert Page.model_validate_json(made.model_dump_json()) == made


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16", "windows-1251"])
def test_a_few_nul_characters_are_dropped(encoding: str) -> None:
    text = f"<p>{RUSSIAN}</p>" * 5
    whole = f"<{chr(0)}{text[1:100]}\0{text[100:]}\0"
    assert page(whole.encode(encoding)).content == text


@pytest.mark.parametrize("content", [b"\0\1\2\3ab" * 50, b"abcdefgh\0" * 51, bytes(range(256)) * 20])
def test_bytes_of_a_program_are_still_refused(content: bytes) -> None:
    with pytest.raises(InputError, match="not text"):
        page(content)


def test_a_lone_surrogate_does_not_break_the_page() -> None:
    assert page("a \ud800 b").content == "a ? b"


def test_koi8_that_is_declared_as_windows_1251_is_read() -> None:
    text = '<meta charset="windows-1251"><p>' + "Пассажиры узнали об этом из объявления на причале порта. " * 3
    assert decode(text.encode("koi8-r")) == text


@pytest.mark.parametrize("content", [b"", b" \n", b"%PDF-1.7", b"\0" * 40, b"\x02" * 40])
def test_what_is_wrong_with_the_content_begins_with_its_name(content: bytes) -> None:
    with pytest.raises(InputError, match=r"^page\.html: the input is "):
        page_from(content, kind="auto", url=None, now=NOW, name="page.html")
