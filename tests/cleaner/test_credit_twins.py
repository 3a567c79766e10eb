"""What looks like a credit and is none stays; what is one goes: tables in several languages, and variants of both."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk_cleaner.credits import agencies_in, is_chain
from copydesk_cleaner.rulebook import shipped
from tests.cleaner.pages import article_of, text_page

BEFORE = "The harbour board met on Friday to hear the complaint of the ferry crews about the new timetable."
AFTER = "It will publish its answer next week, the chairwoman told the members after the meeting had closed."
PLACES = ("{before}\n{line}\n{after}", "{line}\n{after}", "{before}\n{line}", "{before} {line} {after}")

KEEP = {
    "datelines": (
        "KYIV, Jan 24 (Reuters) - Russia said a plane carrying prisoners was shot down.",
        "PARIS (AP) — The museum will stay shut on Monday, its director said.",
        "WASHINGTON (AFP)The president signed the bill on Friday.",
        "Hong Kong (CNN)A small plane crashed on Sunday.",
        "TOKYO, Nov. 3 (Kyodo) -- The yen fell against the dollar.",
        "BERLIN (dpa) - Die Bahn will im Dezember neue Züge einsetzen.",
        "Berlin (dpa/bb) - Die Bahn will im Dezember neue Züge einsetzen.",
        "MADRID, 3 Nov. (EUROPA PRESS) - El Gobierno aprobó el plan este martes.",
        "ROMA (ANSA) - Il governo ha approvato il piano martedì.",
        "Paris (AFP) – Le musée restera fermé lundi, a annoncé sa directrice.",
        "WARSZAWA (PAP) - Rząd przyjął plan we wtorek.",
        "МОСКВА, 3 ноя (РИА Новости) - Правительство одобрило план.",
        "NEW DELHI: The court (Supreme Court) said on Monday that the law stands.",
        "SEOUL, Aug. 29 (Yonhap) -- The ministry said it would respond.",
    ),
    "expansions": (
        "The Environmental Protection Agency (EPA) estimates that it costs billions.",
        "Agence France-Presse (AFP)",
        "He reported for Agence France-Presse (AFP) and the Associated Press (AP).",
        "The report came from the Press Trust of India (PTI) The next day it was denied.",
        "The Deutsche Presse-Agentur (dpa) reported it first.",
        "He was banned from X (Twitter) and Facebook.",
        "Regular physical activity (PA) lowers the risk, the doctors found.",
        "The Palestinian Authority (PA) rejected the offer on Sunday.",
        "The European Space Agency (ESA) will decide in March.",
        "Die Deutsche Umwelthilfe (DUH) klagt gegen den Plan.",
        "L'Agence spatiale européenne (ESA) décidera en mars.",
        "The firm, Getty Images (GETY), fell by 4%.",
        "Shares of Shutterstock (SSTK) rose after the merger (Getty Images) was announced.",
    ),
    "quotations and asides in parentheses": (
        "“We will not go there again (the Reuters building).”",
        "“I sold the picture to the agency (Getty Images)”, she said.",
        "He laughed and said: “They call it a gift from God.” (Holm did not reply to a request for comment.)",
        "The jet (a Boeing 737/800) was 12 years old.",
        "The fighters (Hamas/Islamic Jihad) denied it.",
        "She wore a coat (Picture: a blue tent with sleeves) and left early.",
        "The photo (taken by Jane Doe/AP in 2015) hangs in the hall.",
        "The photo (Foto Holm is the studio) hangs in the hall.",
        "The index AP/Ipsos PollThe firm runs is old.",
        "The map (image: what people see; reality: what they get) says it all.",
        "The road (London via Dover) is shut until the summer.",
        "The minister (Labour) said it would cost millions.",
        "Anna Berg (SPD) and Jon Quill (CDU/CSU) voted against the plan.",
        "The film (Netflix) is out on Friday, and the book (HarperCollins) in May.",
        "The coastguard's picture (see Photo 2) shows the hull.",
        "Er sagte es dem Sender (ZDF) am Sonntag.",
        "Elle l'a dit à la radio (France Inter) dimanche.",
        "Lo dijo en la cadena (Televisión Española) el domingo.",
        "Il ministro (Lega/Forza Italia) ha negato tutto.",
    ),
    "sentences that begin like labels": (
        "Image is everything in this trade, the agent said.",
        "Image source code was stolen from the firm, the police said.",
        "Picture this: a harbour without a single ferry.",
        "Pictures of the ferry: where to find them and what they cost",
        "Photo finishes were common in those days, he recalled.",
        "Photographs of the crash were shown to the jury on Monday.",
        "Read the letter in full before you sign, the lawyer said.",
        "Watch out for the tide, the sign at the harbour says.",
        "Follow the money, the old reporter used to say.",
        "Related families lived in the same street.",
        "Credit: it is what the harbour towns lack most.",
        "Credit Suisse said on Tuesday that it would cut jobs.",
        "Source: the word alone made the editor smile.",
        "Bild berichtet, dass der Minister zurücktritt.",
        "Bild: Minister will nach der Wahl zurücktreten",
        "Foto und Film gehören zusammen, sagt die Leiterin des Museums.",
        "Fotos aus dem Archiv zeigen den alten Hafen.",
        "Photo après photo, le dossier s'épaissit, raconte l'avocate.",
        "Фото с места аварии показали присяжным в понедельник.",
        "Zdjęcie z miejsca wypadku pokazano w sądzie.",
        "Getty Images said on Tuesday that it had sued the firm.",
        "Reuters could not confirm the report.",
        "Reuters reports profit up by a fifth",
        "AP Government exams are held again in May, the school says.",
        "EPA Rules Explained For Harbour Towns Today",
        "Twitter users were quick to share the clip.",
        "Instagram Stories Will Look Different",
    ),
    "scores and tables": (
        "Salah (14, 67 pen), Kane (32), Saka (90)",
        "Arsenal 2 (Saka 14, Rice 77) Chelsea 1 (Palmer 90)",
        "1. Anna Berg (NOR) 2:14.07; 2. Jane Doe (GBR) 2:14.90",
        "Lions 21 (Doe 2, Roe), Bears 17 (Poe)",
        "P W D L Pts",
        "United (4-3-3): De Gea; Dalot, Varane, Shaw",
        "Berg/Holm (NOR) beat Doe/Roe (GBR) 21-17, 21-19",
        "Djokovic/Quill (AUS/NZL) 6-3 6-4",
        "Halep (ROU) 6 6",
        "Reuters/Ipsos 44%",
        "CNN/ORC: 47 to 45",
    ),
    "lists, awards and headings": (
        "Best Picture: Anora",
        "Best Director: Sean Baker",
        "Best Documentary (BBC)",
        "Adolescence (Netflix)",
        "Universal Credit: Who Qualifies",
        "Tax Credit: Explained",
        "Big Picture: Why Ferries Matter",
        "Source: Ministry of Transport figures for 2019, revised in May.",
        "The Harbour Board: Who Is Who",
        "Hamas/Islamic Jihad",
        "Custom Wallpapers via USB",
        "Why the price of Shutterstock",
        "What we know about Getty Images",
        "Terminal Four, Harbour Street (Northquay)",
        "Billionaire technology magnate made the announcement via Twitter on Friday",
        "Where to see it: National Gallery",
        "Credit: 3 points",
        "Photo by numbers: a short history",
        "A harbour photo by the sea",
    ),
    "sign-offs of the text's source": (
        "Der Rat stimmte am Freitag mit großer Mehrheit gegen den Plan. (dpa/AFP)",
        "The council voted against the plan on Friday. (Xinhua)",
        "The council voted against the plan on Friday, its clerk said. (AP/Reuters)",
        "Le conseil a voté contre le plan vendredi. (ATS/AFP)",
    ),
    "verse and dialogue": (
        "The sea (my mother) / The sea (my bread)",
        "“Who took it?” (Silence.) “Nobody.”",
        "ANNA (to Jon): We leave at dawn.",
        "JON (aside) She will not come.",
    ),
    "brackets inside body sentences": (
        "“[The witness] had lied,” he said.",
        "“He [Jon Quill] took the picture [for AP],” she said.",
        "The total [see table] rose by a fifth.",
        "He wrote: “The people [of the harbour] are tired.”",
        "The statue © of the town stands by the sea, the guide joked.",
        "Clause (c) Says who pays the fee.",
    ),
}


def cut_as_pictures(text: str) -> list[str]:
    """What a text loses as captions and credits."""
    return [removal.text for removal in article_of(text_page(text)).removals if removal.kind in {"caption", "credit"}]


@pytest.mark.parametrize("place", PLACES, ids=["between", "first", "last", "inline"])
@pytest.mark.parametrize("line", [line for lines in KEEP.values() for line in lines])
def test_what_only_looks_like_a_credit_stays(line: str, place: str) -> None:
    assert cut_as_pictures(place.format(before=BEFORE, line=line, after=AFTER)) == []


# Fused to the paragraph after them, or on lines of their own: the line, its caption, its credit.
FORMS = (
    ("Guards arrive at the palace (Picture: PA)+", "Guards arrive at the palace", "PA"),
    ("Guards arrive at the palace(Image: MEN Media)+", "Guards arrive at the palace", "MEN Media"),
    ("Guards arrive at the palace (Photo: Slidell Police Department)+", "Guards arrive at the palace", None),
    ("Guards arrive at the palace. (AP Photo/Eva Manez, File)", "Guards arrive at the palace.", None),
    ("Guards arrive at the palace. She left. (Photo by Eva Manez/Getty Images)", None, "Eva Manez/Getty Images"),
    ("Guards arrive at the palace (Eva Manez/Northpix)+", "Guards arrive at the palace", "Eva Manez/Northpix"),
    ("Guards arrive at the palace (Eva Manez via Northpix)", "Guards arrive at the palace", "Eva Manez via Northpix"),
    ("Guards arrive at the palace (Eva Manez)The", "Guards arrive at the palace", "Eva Manez"),
    ("Guards arrive at the palace. (Eva Manez)The", "Guards arrive at the palace.", "Eva Manez"),
    ("Guards arrive at the palace (Northquay) The", "Guards arrive at the palace", "Northquay"),
    ("Guards arrive at the palace (Eva Manez, Getty Images)", "Guards arrive at the palace", None),
    ("Guards arrive at the palace (Instagram/@eva_manez)", "Guards arrive at the palace", "Instagram/@eva_manez"),
    ("Guards arrive at the palace (@eva_manez/TikTok)+", "Guards arrive at the palace", "@eva_manez/TikTok"),
    ("Guards arrive at the palace (supplied by family)+", "Guards arrive at the palace", "supplied by family"),
    ("Guards arrive at the palace. (File photo)", "Guards arrive at the palace.", "File photo"),
    ("Guards arrive at the palace (stock image)+", "Guards arrive at the palace", "stock image"),
    ("Guards arrive at the palace (© Eva Manez)+", "Guards arrive at the palace", "© Eva Manez"),
    ("Guards arrive at the palace ©Eva Manez (AFP/File)", "Guards arrive at the palace", "©Eva Manez (AFP/File)"),
    ("Guards arrive at the palace © AFP", "Guards arrive at the palace", "© AFP"),
    ("Guards arrive at the palace. [Photo/Agencies]", "Guards arrive at the palace.", "Photo/Agencies"),
    ("Guards arrive at the palace on Friday Eva Manez/AFP", "Guards arrive at the palace on Friday", "Eva Manez/AFP"),
    ("Guards arrive at the palace, May 5, 2016. REUTERS/Eva Manez+", "Guards arrive at the palace, May 5, 2016.", None),
    ("Guards arrive at the palace. REUTERS/Eva McDonald+", "Guards arrive at the palace.", "REUTERS/Eva McDonald"),
    ("Guards arrive at the palace © Eva Manez/Alamy+", "Guards arrive at the palace", "© Eva Manez/Alamy"),
    ("Guards arrive at the palace in a file photo [AFP]+", "Guards arrive at the palace in a file photo", "AFP"),
    ("Guards arrive at the palace via Getty Images", "Guards arrive at the palace", "via Getty Images"),
    ("Guardie davanti al palazzo (foto ANSA/Eva Manez)+", "Guardie davanti al palazzo", "ANSA/Eva Manez"),
    ("Guardias este martes en La Moncloa. EFE/ Manez", "Guardias este martes en La Moncloa.", "EFE/ Manez"),
    ("Guards at the palace in Oslo, Norway May 5, 2016. REUTERS/Eva Manez", None, "REUTERS/Eva Manez"),
    ("Getty Images - Getty Guards arrive at the palace on Friday", None, "Getty Images - Getty"),
    ("Eva Manez / Reuters Guards arrive at the palace on Friday", None, "Eva Manez / Reuters"),
    ("Guards arrive at the palacePicture: Eva Manez", "Guards arrive at the palace", "Eva Manez"),
    ("Guards arrive at the palace.Credit: Eva Manez", "Guards arrive at the palace.", "Eva Manez"),
    ("Guards arrive at the palace on Friday Photograph: Eva Manez", None, "Eva Manez"),
    ("Guards arrive at the palace. Pictures: Eva Manez", "Guards arrive at the palace.", "Eva Manez"),
    ("Wachen vor dem Palast (Foto: Eva Manez/dpa)+", "Wachen vor dem Palast", "Eva Manez/dpa"),
    ("Wachen vor dem Palast. Foto: picture alliance / dpa", "Wachen vor dem Palast.", "picture alliance / dpa"),
    ("Wachen vor dem Palast. Bild: Eva Manez / Keystone-SDA", "Wachen vor dem Palast.", None),
    ("Wachen vor dem PalastBildquelle: Eva Manez", "Wachen vor dem Palast", "Eva Manez"),
    ("Des gardes devant le palais (Crédit photo : Eva Manez/AFP)+", "Des gardes devant le palais", "Eva Manez/AFP"),
    ("Des gardes devant le palais.Photo Eva Manez/MaxPPP", "Des gardes devant le palais.", None),
    ("Guardias ante el palacio (Foto: Eva Manez/EFE)+", "Guardias ante el palacio", "Eva Manez/EFE"),
    ("Guardias ante el palacio. Foto de Eva Manez", "Guardias ante el palacio.", "Eva Manez"),
    ("Guardie davanti al palazzo (Foto di Eva Manez/LaPresse)", "Guardie davanti al palazzo", None),
    ("Guardas diante do palácio. Crédito: Eva Manez/Lusa", "Guardas diante do palácio.", "Eva Manez/Lusa"),
    ("Bewakers bij het paleis. Foto: ANP", "Bewakers bij het paleis.", "ANP"),
    ("Bewakers bij het paleis. Beeld: Eva Manez/ANP", "Bewakers bij het paleis.", "Eva Manez/ANP"),
    ("Strażnicy przed pałacem. Zdjęcie: Eva Manez", "Strażnicy przed pałacem.", "Eva Manez"),
    ("Strażnicy przed pałacem (fot. Eva Manez/PAP)+", "Strażnicy przed pałacem", "Eva Manez/PAP"),
    ("Охрана у дворца (Фото: Ева Манес / ТАСС)", "Охрана у дворца", "Ева Манес / ТАСС"),
    ("Охорона біля палацу. Фото: Укрінформ", "Охорона біля палацу.", "Укрінформ"),
    ("Vakter utanför palatset. Foto: Eva Manez/TT", "Vakter utanför palatset.", "Eva Manez/TT"),
)


@pytest.mark.parametrize(("line", "caption", "credit"), FORMS, ids=[line for line, _, _ in FORMS])
def test_a_caption_and_its_credit_go_to_the_images(line: str, caption: str | None, credit: str | None) -> None:
    following = "The chairwoman said that the board would publish its answer in the first week of the year."
    fused = line.endswith(("+", "The"))
    shown = line.removesuffix("+").removesuffix("The")
    article = article_of(text_page(f"{BEFORE}\n{shown}{'' if fused else chr(10)}{following}\n{AFTER}"))
    assert article.paragraphs == (BEFORE, following, AFTER)
    (image,) = article.images
    assert image.credit
    assert caption is None or image.caption == caption
    assert credit is None or image.credit == credit


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("The minister said so on Monday. Eva Manez via Getty Images", "The minister said so on Monday."),
        ("“We leave,” said the minister. EFE/ Manez", "“We leave,” said the minister."),
        ("The minister left. She said so on Monday. REUTERS/Eva Manez", "The minister left. She said so on Monday."),
    ],
)
def test_a_credit_after_sentences_of_the_story_goes_alone(line: str, kept: str) -> None:
    assert article_of(text_page(f"{BEFORE}\n{line}\n{AFTER}")).paragraphs == (BEFORE, kept, AFTER)


WIRES = st.sampled_from(shipped().vocabulary("wires")).map(str.upper)
AGENCIES = st.sampled_from([name for name in shipped().vocabulary("picture_agencies") if name.isalpha()]).map(str.title)
NAMES = st.sampled_from(("Eva Manez", "Jon O'Quill", "Aïda van der Berg", "Олена Коваль", "J. R. Holm", "@eva_m"))
CITIES = st.sampled_from(("KYIV", "NEW DELHI", "SÃO PAULO", "ÅLESUND", "Hong Kong", "RIO DE JANEIRO"))
SENTENCES = st.sampled_from(
    (
        "The crews answered on Sunday that they would not wait.",
        "“We will not stop,” she said.",
        "Die Fähre fuhr am Freitag nicht.",
    )
)
CAPTIONS = st.sampled_from(
    ("Guards arrive at the palace", "A file photograph shows the ferry in 2019", "Wachen vor dem Palast in Oslo")
)


@given(CITIES, WIRES, SENTENCES, st.sampled_from((" - ", " -- ", " — ", "")))
@settings(max_examples=60, deadline=None)
def test_no_dateline_is_a_caption(city: str, wire: str, sentence: str, dash: str) -> None:
    assert cut_as_pictures(f"{BEFORE}\n{city}, Jan 24 ({wire}) - {sentence}\n{AFTER}") == []
    assert cut_as_pictures(f"{city} ({wire}){dash}{sentence}\n{AFTER}") == []


@given(st.lists(st.sampled_from(("Harbour", "Office", "Trade", "Marine", "Agency")), min_size=3, max_size=5), SENTENCES)
@settings(max_examples=60, deadline=None)
def test_no_expansion_of_an_acronym_is_a_caption(words: list[str], sentence: str) -> None:
    letters = "".join(word[0] for word in words)
    assert cut_as_pictures(f"{BEFORE}\nIt went to the {' '.join(words)} ({letters}){sentence}\n{AFTER}") == []


@given(st.lists(WIRES, min_size=1, max_size=3), SENTENCES)
@settings(max_examples=60, deadline=None)
def test_no_source_of_the_story_takes_its_sentence_along(wires: list[str], sentence: str) -> None:
    cut = cut_as_pictures(f"{BEFORE}\n{AFTER} {sentence} ({'/'.join(wires)})")
    assert not any(sentence in part for part in cut)


@given(
    CAPTIONS,
    st.one_of(AGENCIES, st.tuples(NAMES, st.sampled_from(("/", " via ", " / ")), AGENCIES).map("".join)),
    st.sampled_from(
        ("{0} ({1})", "{0}({1})", "{0} (Image: {1})", "{0} (Foto: {1})", "{0} (Photo by {1})", "{0} [{1}]")
    ),
    SENTENCES,
)
@settings(max_examples=120, deadline=None)
def test_a_fused_credit_goes_and_the_paragraph_stays(caption: str, credit: str, form: str, sentence: str) -> None:
    article = article_of(text_page(f"{BEFORE}\n{form.format(caption, credit)}{sentence}\n{AFTER}"))
    assert article.paragraphs == (BEFORE, sentence, AFTER)
    (image,) = article.images
    assert (image.caption, image.credit) == (caption, credit)


@given(NAMES, AGENCIES)
def test_a_chain_names_its_agency(name: str, agency: str) -> None:
    assert is_chain(f"{name}/{agency}")
    assert agency in agencies_in(f"{name}/{agency}")


@given(CAPTIONS, st.text(min_size=1, max_size=60))
@settings(max_examples=80, deadline=None)
def test_any_parenthesis_inside_a_sentence_stays(caption: str, content: str) -> None:
    content = content.replace("\n", " ").replace("(", "").replace(")", "").replace("[", "").replace("]", "")
    line = f"{caption} ({content}) and were met by forty people from the harbour board."
    article = article_of(text_page(f"{BEFORE}\n{line}\n{AFTER}"))
    assert not any(
        removal.kind in {"caption", "credit"} and "forty people" in removal.text for removal in article.removals
    )
