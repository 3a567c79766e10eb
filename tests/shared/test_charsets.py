"""Which charset a page is in that declares another."""

import pytest

from copydesk_shared.charsets import declared_in_page, meant

RUSSIAN = (
    "Паромная компания объявила о повышении цен на билеты с первого января. "
    "Пассажиры узнали об этом из объявления на причале, а не из газет. "
) * 3
UKRAINIAN = "Поромна компанія оголосила про підвищення цін на квитки від першого січня, кажуть пасажири. " * 5
GREEK = "Η εταιρεία ανακοίνωσε ότι οι τιμές των εισιτηρίων θα αυξηθούν από τον Ιανουάριο. " * 5


@pytest.mark.parametrize(
    ("text", "encoding", "declared", "expected"),
    [
        (RUSSIAN, "koi8-r", "cp1251", "koi8-u"),
        (RUSSIAN, "cp1251", "koi8-r", "cp1251"),
        (RUSSIAN, "cp866", "cp1251", "cp866"),
        (UKRAINIAN, "koi8-u", "cp1251", "koi8-u"),
        (RUSSIAN, "cp1251", "cp1251", "cp1251"),
        (RUSSIAN.upper(), "cp1251", "cp1251", "cp1251"),
        (RUSSIAN, "koi8-r", "koi8-r", "koi8-r"),
        (GREEK, "cp1253", "cp1253", "cp1253"),
        ("Паром", "koi8-r", "cp1251", "cp1251"),
        ("plain", "ascii", "cp1251", "cp1251"),
    ],
)
def test_another_cyrillic_charset_is_meant_where_the_declared_one_makes_nonsense(
    text: str, encoding: str, declared: str, expected: str
) -> None:
    page = f"<html><head><title>x</title></head><body><p>{text}</p>".encode(encoding)
    assert meant(declared, page) == expected
    if expected != declared:
        assert page.decode(expected) == page.decode(encoding)


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        (b'<meta charset="windows-1251">', "cp1251"),
        (b'<?xml version="1.0" encoding="koi8-r"?>', "koi8-r"),
        (b'<meta http-equiv="Content-Type" content="text/html; charset=Shift_JIS">', "cp932"),
        (b'<meta charset="punycode">', ""),
        (b"<meta charset=utf-7>", ""),
        (b"<p>charset", ""),
    ],
)
def test_what_a_page_declares(page: bytes, expected: str) -> None:
    assert declared_in_page(page) == expected
