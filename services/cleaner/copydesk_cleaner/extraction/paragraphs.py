"""jusText within trafilatura, for a short text: its answers, without what it computes again and again.

It makes the text of each paragraph a dozen times, a path that nobody reads, and a digest of all its stop words.
"""

from functools import cache, cached_property
from typing import Any

from justext.core import Paragraph, ParagraphMaker
from justext.utils import normalize_whitespace
from trafilatura import external

from copydesk_cleaner.extraction.selectors import with_names


class _Paragraph(Paragraph):  # type: ignore[misc]
    """A paragraph whose text is made once, when all of it is there."""

    def __init__(self, path: Any) -> None:
        self.dom_path = path.dom
        self.xpath = ""
        self.text_nodes: list[str] = []
        self.chars_count_in_links = 0
        self.tags_count = 0
        self.class_type = ""

    @cached_property
    def text(self) -> str:
        return str(normalize_whitespace("".join(self.text_nodes).strip()))


class _Maker(ParagraphMaker):  # type: ignore[misc]
    _start_new_pragraph = with_names(ParagraphMaker._start_new_pragraph, Paragraph=_Paragraph)  # noqa: SLF001 - its hook


@cache
def _stop_words() -> frozenset[str]:
    """Those of all languages, as a set, which remembers its digest: each page looks them up by it."""
    return frozenset(external.jt_stoplist_init())


justext_rescue = with_names(
    external.justext_rescue,
    try_justext=with_names(external.try_justext, ParagraphMaker=_Maker, JT_STOPLIST=None, jt_stoplist_init=_stop_words),
)
compare_extraction = with_names(external.compare_extraction, justext_rescue=justext_rescue)
