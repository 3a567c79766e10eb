import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk_fetcher.encoding import choose_encoding, decode_text

TEXT = "Žluťoučký kůň – “quoted” café"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/html; charset=utf-8", TEXT.encode()),
        ("text/html", TEXT.encode()),
        ("text/html", b"\xef\xbb\xbf" + TEXT.encode()),
        ("text/html; charset=iso-8859-1", b"\xef\xbb\xbf" + TEXT.encode()),
        ("text/html; charset=iso-8859-1", TEXT.encode()),
        ("text/html; charset=hex", TEXT.encode()),
        ("text/html; charset=punycode", TEXT.encode()),
        ("text/html; charset=no-such-thing", TEXT.encode()),
        ("text/html; charset=utf-16", TEXT.encode("utf-16")),
        ("text/html", TEXT.encode("utf-16")),
        ("text/html; charset=windows-1250", "Žluťoučký kůň – “quoted” café".encode("cp1250")),
    ],
)
def test_the_charset_is_found(content_type: str, body: bytes) -> None:
    assert decode_text(content_type, body) == TEXT


def test_a_charset_in_the_page_counts_when_the_header_is_silent_or_wrong() -> None:
    page = '<html><head><meta charset="shift_jis"><title>新聞</title>'
    assert decode_text("text/html", page.encode("cp932")) == page
    assert decode_text("text/html; charset=utf-8", page.encode("cp932")) == page


def test_bytes_that_nobody_declared_are_western() -> None:
    assert decode_text("text/html", "café “x”".encode("cp1252")) == "café “x”"


@pytest.mark.parametrize(
    ("charset", "sentence"),
    [
        ("koi8-r", "Президент сообщил в среду, что переговоры начнутся на следующей неделе. "),
        ("cp1251", "Президент сообщил в среду, что переговоры начнутся на следующей неделе. "),
        ("cp1253", "Ο πρόεδρος είπε την Τετάρτη ότι οι συνομιλίες θα αρχίσουν την επόμενη εβδομάδα. "),
        ("cp932", "東京で新しい鉄道の路線が開通し、多くの乗客が朝から列車に乗った。"),
        ("big5", "總統星期三宣布，新的鐵路線將於下週開通，許多乘客已經買了車票。"),
        ("euc_kr", "대통령은 수요일 새로운 철도 노선이 다음 주에 개통된다고 발표했다. "),
        ("gb18030", "北京星期三宣布，新的铁路线将于下周开通，许多乘客已经买了车票。"),
    ],
)
def test_other_scripts_are_told_by_their_bytes_where_nobody_declared_them(charset: str, sentence: str) -> None:
    page = f"<html><body><p>{sentence * 40}</p></body></html>"
    assert decode_text("text/html", page.encode(charset)) == page


def test_what_cannot_be_decoded_is_replaced_and_nul_goes() -> None:
    assert decode_text("text/html; charset=utf-8", b"a\xff\x00b") == "a�b"


@given(st.binary(max_size=300), st.text(max_size=40))
def test_any_bytes_become_text_that_json_takes(body: bytes, label: str) -> None:
    text = decode_text(f"text/html; charset={label}", body)
    assert text.encode("utf-8").decode() == text


@given(st.text(alphabet=st.characters(min_codepoint=0x80, exclude_categories=["Cs", "Cc"]), min_size=1))
def test_utf8_text_is_known_as_such(text: str) -> None:
    assert choose_encoding("text/html; charset=latin1", text.encode()) == "utf-8"
