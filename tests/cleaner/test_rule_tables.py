"""Every rule of every file and every row of every table: its hits are cut, its twins are kept."""

import re

import pytest

from copydesk_cleaner.rulebook import Rule, shipped
from copydesk_cleaner.rulebook.schema import LeadEntry
from tests.cleaner.pages import article_of, text_page

LINE_RULES = shipped().rules(scope="line")
EDGE_RULES = (*shipped().rules(scope="start"), *shipped().rules(scope="end"))
BODY = (
    "The harbour board met on Friday to hear the complaint of the ferry crews about the new timetable.\n"
    "{line}\n"
    "It will publish its answer next week, the chairwoman told the members after the meeting had closed."
)
KINDS = {
    "boilerplate": "boilerplate",
    "caption": "caption",
    "credit": "credit",
    "promotion": "promotion",
    "related": "related-link",
}


@pytest.mark.parametrize("rule", LINE_RULES, ids=lambda rule: rule.id)
def test_a_line_rule_cuts_its_hits_and_keeps_its_twins(rule: Rule) -> None:
    for hit in rule.hit:
        article = article_of(text_page(BODY.format(line=hit.text)))
        assert len(article.paragraphs) == 2
        (removal,) = article.removals
        assert (removal.rule, removal.kind) == (rule.id, rule.kind)
    for keep in rule.keep:
        assert keep.text in article_of(text_page(BODY.format(line=keep.text))).paragraphs


PROMPTS = (
    "Subscribe to continue reading. Already a subscriber? Log in.",
    "Subscribe to continue reading.",
    "To continue reading, please subscribe to our newspaper.",
    "Subscribe now for only 1 euro a month.",
    "Already have an account? Log in here.",
    "Register for free to read the rest of this story.",
    "This article is for subscribers only.",
    "Jetzt weiterlesen mit dem Abo für 1 Euro im Monat.",
    "Sie haben bereits ein Abo? Jetzt anmelden.",
    "Dieser Artikel ist nur für Abonnenten.",
    "Abonnez-vous pour lire la suite de cet article.",
    "Déjà abonné ? Connectez-vous",
    "Cet article est réservé aux abonnés.",
    "Suscríbete para seguir leyendo.",
    "¿Ya eres suscriptor? Inicia sesión",
    "Contenido exclusivo para suscriptores.",
)
NO_PROMPTS = (
    "“Subscribe to continue reading,” says the box that half of all readers now meet, the study found.",
    "Subscribe now for only a euro, the advertisements said, and 40,000 people did before the price rose.",
    "To continue reading the minutes, the clerk was told to sit down by the chairwoman of the board.",
    "Subscribers pay 1 euro a month for the newspaper, which has lost a third of its readers since 2019.",
    "This article is for sale, the antique dealer told the police before he was led away.",
    "Jetzt weiterlesen mit dem Abo: So werben Verlage um Kunden, wie eine Untersuchung zeigt.",
    "Die Zeitung will ihre Artikel künftig nur für Abonnenten anbieten, teilte der Verlag mit.",
    "Abonnez-vous, répète le directeur du journal aux lecteurs de la région depuis trois ans.",
    "Contenido exclusivo para suscriptores es lo que ofrece la plataforma desde marzo.",
)


@pytest.mark.parametrize("prompt", PROMPTS)
def test_a_prompt_to_subscribe_is_cut_at_the_end(prompt: str) -> None:
    article = article_of(text_page(BODY.format(line="The crews answered on Sunday.") + f"\n{prompt}"))
    assert len(article.paragraphs) == 3
    (removal,) = article.removals
    assert removal.kind == "promotion"


def test_every_paragraph_of_a_plea_is_cut() -> None:
    plea = "\n".join(PROMPTS[2:5])
    article = article_of(text_page(BODY.format(line="The crews answered on Sunday.") + f"\n{plea}"))
    assert len(article.paragraphs) == 3
    assert {removal.kind for removal in article.removals} == {"promotion"}


@pytest.mark.parametrize("sentence", NO_PROMPTS)
def test_a_story_about_subscriptions_stays(sentence: str) -> None:
    for text in (BODY.format(line=sentence), f"{BODY.splitlines()[0]}\n{sentence}"):
        article = article_of(text_page(text))
        assert sentence in article.paragraphs
        assert article.removals == ()


@pytest.mark.parametrize("rule", LINE_RULES, ids=lambda rule: rule.id)
def test_the_first_word_of_a_rules_name_is_its_kind(rule: Rule) -> None:
    assert rule.kind == KINDS[rule.id.split(".")[0]]


@pytest.mark.parametrize("rule", LINE_RULES, ids=lambda rule: rule.id)
def test_a_line_rule_answers_quickly_for_a_long_line(rule: Rule) -> None:
    for piece in (rule.hit[0].text, "A" * 30, "Sign up to ", "By John Smith and "):
        assert rule.match((piece * 40)[:600] + "\0") is None


@pytest.mark.parametrize("rule", EDGE_RULES, ids=lambda rule: rule.id)
def test_an_edge_rule_cuts_one_end_of_a_line(rule: Rule) -> None:
    line = rule.hit[0].text
    article = article_of(text_page(BODY.format(line=line)))
    assert len(article.paragraphs) == 3
    (removal,) = article.removals
    assert (removal.rule, removal.kind) == (rule.id, rule.kind)
    at_end = rule.scope == "end"
    assert (removal.end if at_end else removal.start) == BODY.index("{") + (len(line) if at_end else 0)
    assert article_of(text_page(BODY.format(line=rule.keep[0].text))).removals == ()


@pytest.mark.parametrize("lead", shipped().leads, ids=lambda lead: lead.words)
def test_a_lead_and_its_headline_become_a_related_link(lead: LeadEntry) -> None:
    for hit in lead.hit:
        article = article_of(text_page(BODY.format(line=hit.text)))
        headline = re.split(r"\s?[:：|]\s?", hit.text, maxsplit=1)[1]
        assert [link.title for link in article.related_links] == [headline]
        assert len(article.paragraphs) == 2
    for keep in lead.keep:
        assert keep.text in article_of(text_page(BODY.format(line=keep.text))).paragraphs


def test_tables_are_sorted_and_name_each_thing_once() -> None:
    for names in ([rule.id for rule in rules] for rules in map(shipped().rules, shipped().families)):
        assert names == sorted(set(names))
