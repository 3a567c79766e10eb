import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk_cleaner.captions import split_caption
from copydesk_cleaner.credits import Strength, agencies_in, expands, is_chain, is_source, parse_bracketed, parse_label
from tests.cleaner.pages import article_of, text_page

NEXT = "The chairwoman said that the board would publish its answer in the first week of the new year."


@pytest.mark.parametrize(
    ("credit", "agencies"),
    [
        ("RUSSIAN INVESTIGATIVE COMMITEE HANDOUT/EPA-EFE/REX/Shutterstock", ("EPA-EFE", "REX", "Shutterstock")),
        ("Anadolu via Getty Images", ("Anadolu", "Getty Images")),
        ("AP Photo", ("AP Photo",)),
        ("Jon Super/AP", ("AP",)),
        ("Mashreq University", ()),
        ("", ()),
    ],
)
def test_agencies_are_named_as_printed(credit: str, agencies: tuple[str, ...]) -> None:
    assert agencies_in(credit) == agencies


@pytest.mark.parametrize(
    ("content", "strength"),
    [
        ("Picture: Jon Super/AP", Strength.SURE),
        ("AP Photo/Paul Sakuma, File", Strength.SURE),
        ("Photo by Matt Cardy/Getty Images", Strength.SURE),
        ("Foto: dpa", Strength.SURE),
        ("Reuters", Strength.AGENCY),
        ("stock image", Strength.AGENCY),
        ("Mashreq University", Strength.NAME),
        ("ABC News: Eva Manez", Strength.SURE),
        ("Supplied: Eva Manez", Strength.SURE),
        ("BBC: Panorama", Strength.NONE),
        ("Apple: Eva Manez", Strength.NONE),
        ("UNHCR/IOM", Strength.NAME),
        ("one to ten", Strength.NONE),
        ("image: what people see; reality: what they get", Strength.NONE),
        ("picture: a slow recovery", Strength.NONE),
        ("see below", Strength.NONE),
    ],
)
def test_what_a_parenthesis_is_worth(content: str, strength: Strength) -> None:
    assert parse_bracketed(content).strength == strength


@pytest.mark.parametrize(
    ("before", "acronym"),
    [
        ("The Environmental Protection Agency", "EPA"),
        ("Agence France-Presse", "AFP"),
        ("Regular physical activity", "PA"),
        ("the Associated Press", "AP"),
    ],
)
def test_expansions_of_an_acronym(before: str, acronym: str) -> None:
    assert expands(before, acronym)


def test_a_caption_is_no_expansion() -> None:
    assert not expands("Rescuers at the quarry", "EPA")
    assert not expands("French police stand guard in Nice", "Reuters")


def test_sources_are_words_in_capitals() -> None:
    assert is_source("Tom Brenner for The Washington Post via Getty Images")
    assert not is_source("the council wants fewer of them")
    assert not is_source("He said so.")
    assert is_chain("Twitter/EirikurH via Storyful")
    assert not is_chain("Hamas/Islamic Jihad")
    assert parse_label("Picture: a slow recovery") is None


@pytest.mark.parametrize(
    ("line", "caption", "credit"),
    [
        ("Guards arrive at the palace (PA)", "Guards arrive at the palace", "PA"),
        ("Marina Lacerda, 37(Image: Bloomberg via Getty Images)", "Marina Lacerda, 37", "Bloomberg via Getty Images"),
        ("The launchpad at dawn (Etlaq)", "The launchpad at dawn", "Etlaq"),
    ],
)
def test_a_fused_caption_goes_to_the_images(line: str, caption: str, credit: str) -> None:
    article = article_of(text_page(f"{line}{NEXT}"))
    assert article.paragraphs == (NEXT,)
    assert [(image.caption, image.credit) for image in article.images] == [(caption, credit)]


@pytest.mark.parametrize(
    "line",
    [
        "Guards arrive at the palaceCredit: Eva Manez/Reuters",
        "Guards arrive at the palace Photograph: Eva Manez/Reuters",
        "Guards arrive at the palace. Photo by Eva Manez /Reuters",
        "Guards arrive at the palace | Photo Credit: Eva Manez/Reuters",
    ],
)
def test_a_label_at_the_end_of_a_line(line: str) -> None:
    article = article_of(text_page(f"{NEXT}\n{line}\n{NEXT} It did."))
    assert len(article.paragraphs) == 2
    (image,) = article.images
    assert image.caption.rstrip(".") == "Guards arrive at the palace"
    assert image.credit.replace(" ", "") == "EvaManez/Reuters"
    assert image.agencies == ("Reuters",)


@pytest.mark.parametrize(
    "sentence",
    [
        "Hong Kong (CNN)A small plane crashed on Sunday.",
        "KYIV, Jan 24 (Reuters) - Russia said a plane carrying prisoners was shot down.",
        "The Environmental Protection Agency (EPA) estimates that it costs billions.",
        "The fighters (Hamas/Islamic Jihad) denied it.",
        "The jet (a Boeing 737/800) was 12 years old.",
        "BEIJING -- China on Friday said it opposes the launches. (Xinhua)",
        "He was banned from X (Twitter) and Facebook.",
    ],
)
def test_parentheses_of_the_story_stay(sentence: str) -> None:
    article = article_of(text_page(f"{NEXT}\n{sentence}\n{NEXT} It did."))
    assert sentence in article.paragraphs
    assert article.images == ()


def test_a_caption_fused_to_the_paragraph_before_it() -> None:
    article = article_of(text_page("The driver was shot dead.Police stand guard in Nice (Picture: AFP/Getty)"))
    assert article.paragraphs == ("The driver was shot dead.",)
    assert article.images[0].caption == "Police stand guard in Nice"


def test_a_long_paragraph_loses_only_its_last_sentence_to_a_credit() -> None:
    body = " ".join([NEXT] * 6)
    article = article_of(text_page(f"{body} A convoy leaves the harbour (Anadolu via Getty Images)"))
    assert article.paragraphs == (body,)


def test_an_article_on_one_line_is_not_taken_for_its_first_caption() -> None:
    text = "Image copyright EPA Image caption Rescuers search the quarry " + " ".join([NEXT] * 8)
    assert NEXT in article_of(text_page(text)).text


@pytest.mark.parametrize(
    ("text", "caption", "credit"),
    [
        ("Black Rod walks  through\nthe gallery (Picture: PA)", "Black Rod walks through the gallery", "PA"),
        ("Eva Manez/Reuters", "", "Eva Manez/Reuters"),
        ("Image: Kypros", "", "Kypros"),
        ("A crowd at the castle", "A crowd at the castle", ""),
        ("", "", ""),
    ],
)
def test_a_figures_caption_is_taken_apart(text: str, caption: str, credit: str) -> None:
    image = split_caption(text)
    assert (image.caption, image.credit) == (caption, credit)


@given(st.text(max_size=300))
def test_any_caption_can_be_taken_apart(text: str) -> None:
    image = split_caption(text)
    assert len(image.caption) + len(image.credit) <= len(text) + 1


def test_a_caption_said_twice_is_cut_twice() -> None:
    caption = "An aerial view of the ice, at left, and the bare ice."
    article = article_of(text_page(f"{caption}Photograph by {caption[:-1]} (Getty Images){NEXT}"))
    assert article.paragraphs == (NEXT,)


def test_a_quotation_mark_before_a_caption_stays_with_its_quotation() -> None:
    quote = '"We leave at dawn," she said. "It is time."'
    article = article_of(text_page(f"{quote}Guards arrive at the palace (Anadolu via Getty Images){NEXT}"))
    assert article.text.startswith(quote)


@pytest.mark.parametrize(
    ("text", "kept", "credit"),
    [
        (
            "Guards at the palaceCredit: Alamy Stock PhotoThe minister said so.",
            "The minister said so.",
            "Alamy Stock Photo",
        ),
        ("Guards at the palaceCredit: PAThe minister said so.", "The minister said so.", "PA"),
        (
            "Guards at the palace Photograph: Eva Manez/AP The minister said so.",
            "The minister said so.",
            "Eva Manez/AP",
        ),
        ("Guards at the palace Photo: Getty Images Jon Quill said so.", "Jon Quill said so.", "Getty Images"),
    ],
)
def test_a_label_whose_source_runs_on_into_the_next_sentence(text: str, kept: str, credit: str) -> None:
    article = article_of(text_page(f"{NEXT}\n{text}"))
    assert article.paragraphs == (NEXT, kept)
    assert [(image.caption, image.credit) for image in article.images] == [("Guards at the palace", credit)]


def test_three_labels_in_one_line() -> None:
    first, second = "The harbour board met on Friday to hear the crews.", "It will publish its answer next week."
    text = f"{first} {NEXT} Photo: AP {second} Photo: Getty Images They left. Credit: Eva Manez/AFP"
    article = article_of(text_page(text))
    assert article.text == f"{first} {NEXT} {second} They left."
    assert [image.credit for image in article.images] == ["AP", "Getty Images", "Eva Manez/AFP"]


def test_an_unknown_source_in_the_middle_of_a_line_stays() -> None:
    text = f"{NEXT} The picture: Northquay The crews said so on Sunday, and nobody answered them."
    assert article_of(text_page(text)).paragraphs == (text,)


@pytest.mark.parametrize("start", ["iPhone", "£3m", "@crews", "Čeští", "— The", "“We", "90", "…and"])
def test_a_paragraph_may_begin_with_anything_but_a_small_letter(start: str) -> None:
    paragraph = f"{start} was what the chairwoman of the harbour board said first on Friday."
    article = article_of(text_page(f"{NEXT}\nGuards at the palace (Image: PA){paragraph}"))
    assert article.paragraphs == (NEXT, paragraph)


FIRST = "The harbour board met on Friday to hear the complaint of the ferry crews."
STORY = (
    "The mayor resigned on Friday. He will be followed by his deputy.",
    "The council voted on Monday for the bridge, which costs nine million. The mayor spoke. The vote was close.",
    "The council voted for the bridge on March 3, 2026.",
)


@pytest.mark.parametrize(
    "caption",
    [
        "Workers near the bridge in March (PA)",
        "Workers near the bridge in March (Picture: PA)",
        "Workers stand near the bridge in March. (Picture: PA)",
        "Workers near the bridge in MarchCredit: PA",
        "Workers near the bridge in March. Photo: Eva Manez/AP",
    ],
)
@pytest.mark.parametrize("story", STORY)
@pytest.mark.parametrize("place", ["{line}{after}", "{line}{after}\n{first}", "{first}\n{line}{after}"])
def test_a_caption_takes_no_sentence_of_the_story_before_it(story: str, caption: str, place: str) -> None:
    article = article_of(text_page(place.format(line=f"{story} {caption}", after=NEXT, first=FIRST)))
    assert f"{story} {NEXT}" in article.paragraphs
    (image,) = article.images
    assert image.caption.rstrip(".") in {"Workers near the bridge in March", "Workers stand near the bridge in March"}


@pytest.mark.parametrize(
    "credit", [" (PA)", " (Picture: PA)", ". (Picture: PA)", ".Getty Images", " Eva Manez/AFP", " © Eva Manez/AFP"]
)
@pytest.mark.parametrize("before", ["", f"{NEXT}\n"])
def test_a_paragraph_that_runs_on_into_a_caption_stays(credit: str, before: str) -> None:
    article = article_of(text_page(f"{before}{STORY[0]} Workers stand near the bridge{credit}"))
    assert article.text.startswith(f"{before}{STORY[0]}")


def test_a_caption_of_two_sentences_goes_when_it_shows_that_it_is_one() -> None:
    first, second = "Workers stand on the bridge at the port, pictured here", "It was closed for nine months (PA)"
    assert article_of(text_page(f"{FIRST}\n{first}. {second}{NEXT}")).paragraphs == (FIRST, NEXT)


@pytest.mark.parametrize(
    ("led", "sentence", "caption", "credit"),
    [
        ("toggle caption Jon Quill/NPR", "The port is the third largest in the country.", "", "Jon Quill/NPR"),
        (
            "Enlarge this image toggle caption Jon Quill/NPR Jon Quill/NPR",
            "Workers of the port are on strike. They say so.",
            "",
            "Jon Quill/NPR",
        ),
        ("toggle caption", "Workers of the port are on strike.", "", ""),
        (
            "Image copyright Getty Images Image caption The bridge was closed in 2025",
            "A second bridge is planned for 2030.",
            "The bridge was closed in 2025",
            "Getty Images",
        ),
        ("Media caption Workers at the port", "They say that they will stay.", "Workers at the port", ""),
    ],
)
@pytest.mark.parametrize("before", ["", f"{FIRST}\n"])
def test_a_sentence_after_the_labels_of_a_picture_stays(
    led: str, sentence: str, caption: str, credit: str, before: str
) -> None:
    article = article_of(text_page(f"{before}{led} {sentence}\n{NEXT}"))
    assert article.text == f"{before}{sentence}\n{NEXT}"
    assert [(image.caption, image.credit) for image in article.images] == (
        [(caption, credit)] if caption or credit else []
    )


@pytest.mark.parametrize(
    "line",
    [
        "toggle caption Jon Quill/NPR",
        "toggle caption Jon Quill Jr.",
        "Enlarge this image toggle caption Workers near the bridge Jon Quill/NPR",
        "Image copyright Getty Images Image caption Workers watch The Crown at home",
        "Image copyright Getty Images Image caption Workers say they will wait for the Board.",
    ],
)
def test_the_labels_of_a_picture_take_the_line_that_is_its_caption(line: str) -> None:
    assert article_of(text_page(f"{FIRST}\n{line}\n{NEXT}")).paragraphs == (FIRST, NEXT)


@pytest.mark.parametrize(
    ("caption", "found"),
    [
        ("A guard examining the gate of the palace", "A guard examining the gate of the palace"),
        ("Guards examining the gate of the palace", ""),
    ],
)
def test_a_caption_after_a_related_headline_on_one_line(caption: str, found: str) -> None:
    story = f"{FIRST} {NEXT} She spoke on Monday."
    led = "READ MORE: Harbour guard found by her ex"
    article = article_of(text_page(f"{story} {led} {caption} (Eva Manez/Getty Images) {' '.join([NEXT] * 8)}"))
    assert article.text == f"{story} {' '.join([NEXT] * 8)}"
    assert [(image.caption, image.credit) for image in article.images] == [(found, "Eva Manez/Getty Images")]


@pytest.mark.parametrize(
    "caption",
    [
        "A woman speaks at her home on Thursday. Quill said the mayor must go. (Eva Manez/Associated Press)",
        "FILE - In this Dec. 31, 2016 photo people stand at the gate. The mayor wants a new one. (Eva Manez/AP, File)",
    ],
)
def test_a_caption_of_two_sentences_on_a_line_of_its_own_goes_whole(caption: str) -> None:
    assert article_of(text_page(f"{FIRST}\n{caption}\n{NEXT}")).paragraphs == (FIRST, NEXT)


def test_a_caption_from_the_file_goes_whole_at_the_start_of_an_article_on_one_line() -> None:
    caption = (
        "FILE - In this Dec. 31, 2016 photo people stand at the gate. The mayor wants a new one. (Eva Manez/AP, File)"
    )
    assert article_of(text_page(f"{caption} {NEXT} {FIRST}")).paragraphs == (f"{NEXT} {FIRST}",)
