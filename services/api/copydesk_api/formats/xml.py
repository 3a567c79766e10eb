"""Writes XML with the standard library. Characters that XML cannot hold are left out."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from xml.sax.saxutils import XMLGenerator
from xml.sax.xmlreader import AttributesImpl

from copydesk_api.formats.selection import NOT_XML


class XmlWriter:
    """A document in UTF-8, written from its beginning to its end. Names are written with their prefixes."""

    def __init__(self) -> None:
        self._bytes = BytesIO()
        self._sax = XMLGenerator(self._bytes, "utf-8", short_empty_elements=True)
        self._sax.startDocument()

    @contextmanager
    def inside(self, name: str, attributes: Mapping[str, str] | None = None) -> Iterator[None]:
        """What is written meanwhile stands in this element."""
        clean = {key: NOT_XML.sub("", value) for key, value in (attributes or {}).items()}
        self._sax.startElement(name, AttributesImpl(clean))
        yield
        self._sax.endElement(name)

    def add(self, name: str, text: str | None, **attributes: str | None) -> None:
        """An element with a text; nothing where there is neither text nor attribute."""
        given = {key: value for key, value in attributes.items() if value}
        if text or given:
            with self.inside(name, given):
                self._sax.characters(NOT_XML.sub("", text or ""))

    def document(self) -> bytes:
        """The document. It ends here."""
        self._sax.endDocument()
        return self._bytes.getvalue()
