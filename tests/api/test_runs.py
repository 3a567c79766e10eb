"""The text as runs: nothing of it gets lost, whatever is marked or cut."""

from hypothesis import given
from hypothesis import strategies as st

from copydesk_api.web.links import web_url
from copydesk_api.web.runs import Paragraph, Run, paragraphs, removals_fit, title_runs
from copydesk_shared.messages import ClassifiedArticle, Removal
from copydesk_shared.removals import restore
from copydesk_shared.tags import Evidence
from tests.api.samples import article, fused_article, tag


def plain(shown: tuple[Paragraph, ...]) -> list[str]:
    return ["".join(run.text for run in paragraph) for paragraph in shown]


def filled_lines(text: str) -> list[str]:
    return [line for line in text.split("\n") if line.strip()]


@st.composite
def cut_articles(draw: st.DrawFn) -> ClassifiedArticle:
    """A text with pieces cut out of it anywhere, and evidence anywhere in what is left."""
    pieces = draw(st.lists(st.tuples(st.text(alphabet="ab \n", max_size=6), st.booleans()), max_size=8))
    kept, removals, position = "", [], 0
    for text, cut in pieces:
        if cut:
            removals.append(
                Removal(rule="r", kind="caption", text=text, paragraph=0, start=position, end=position + len(text))
            )
        else:
            kept += text
        position += len(text)
    spans = draw(st.lists(st.tuples(st.integers(-2, 20), st.integers(-2, 24)), max_size=5))
    evidence = [
        Evidence(rule="e", text=kept[start:end], field="text", start=start, end=end, weight=1) for start, end in spans
    ]
    return article("a", text=kept).model_copy(
        update={"removals": tuple(removals), "tags": (tag("one", *evidence[:2]), tag("two", *evidence[2:]))}
    )


@given(cut_articles())
def test_what_is_shown_is_the_text_before_the_cuts(given_article: ClassifiedArticle) -> None:
    assert plain(paragraphs(given_article, with_removed=True)) == filled_lines(restore(given_article))


@given(cut_articles())
def test_without_the_cuts_it_is_the_text_after_them(given_article: ClassifiedArticle) -> None:
    shown = paragraphs(given_article, with_removed=False)
    assert plain(shown) == filled_lines(given_article.text)
    assert all(run.rule is None for paragraph in shown for run in paragraph)


@given(cut_articles())
def test_a_run_is_marked_when_evidence_covers_it(given_article: ClassifiedArticle) -> None:
    marked = {(index, char) for index, each in enumerate(given_article.tags) for evidence in each.evidence
              if 0 <= evidence.start < evidence.end <= len(given_article.text) for char in range(evidence.start, evidence.end)}  # fmt: skip
    shown = [(tag_index, char) for tag_index, char in _marked_characters(given_article)]
    assert sorted(shown) == sorted((index, char) for index, char in marked)


def _marked_characters(given_article: ClassifiedArticle) -> list[tuple[int, int]]:
    from copydesk_api.web.runs import _Marks as Marks

    found, at = [], 0
    for run in Marks(given_article, "text", given_article.text).runs(0, len(given_article.text)):
        found += [(index, char) for index in run.tags for char in range(at, at + len(run.text))]
        at += len(run.text)
    return found


def test_the_cuts_of_a_fused_article() -> None:
    shown = paragraphs(fused_article(), with_removed=True)
    cuts = [(run.rule, run.kind, run.text) for paragraph in shown for run in paragraph if run.rule]
    assert cuts == [
        ("related.read-more", "related-link", "READ MORE: Ferry row over the empty berths"),
        ("caption.fused", "caption", "The freighter at the quay in Ostwick"),
        ("credit.fused", "credit", " (HARBOUR BOARD HANDOUT/Gull Pictures)"),
        ("promotion.letter", "promotion", "Sign up for the harbour letter"),
    ]
    assert len(shown) == 4


def test_overlapping_evidence() -> None:
    first = paragraphs(fused_article(), with_removed=False)[0]
    assert first[1:4] == (Run("cargo ", (0,)), Run("plane", (0, 1)), Run(" was hit", (1,)))
    assert title_runs(fused_article())[0] == Run("Cargo plane", (0,))


def test_evidence_that_does_not_fit_is_not_marked() -> None:
    wrong = Evidence(rule="e", text="other", field="text", start=0, end=5, weight=1)
    veto = Evidence(rule="e", text="A", field="text", start=0, end=1, weight=-1)
    shown = paragraphs(
        article("a", text="A text").model_copy(update={"tags": (tag("t", wrong, veto),)}), with_removed=False
    )
    assert shown == ((Run("A text"),),)


def test_removals_that_do_not_fit_are_left_out() -> None:
    broken = Removal(rule="r", kind="caption", text="x", paragraph=0, start=90, end=91)
    bad = article("a").model_copy(update={"removals": (broken,)})
    assert not removals_fit(bad)
    assert plain(paragraphs(bad, with_removed=True)) == [bad.text]


def test_an_article_without_text() -> None:
    assert paragraphs(article("a", text=""), with_removed=True) == ()
    assert title_runs(article("a", title="")) == ()


def test_only_web_addresses_become_links() -> None:
    good = ("http://a.example/x?y=1#z", "https://a.example", "HTTPS://a.example/")
    bad = (None, "", "javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:alert(1)", "java\nscript:alert(1)", "data:text/html,x", "//a.example", "/x", "http:", "http://", "https:///x", "http://[", "urn:sha256:00", "http://a b/")  # fmt: skip
    assert [web_url(url) for url in good] == list(good)
    assert {web_url(url) for url in bad} == {None}
