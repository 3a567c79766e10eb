"""The pages of the dead letters, for admins."""

from collections.abc import Sequence
from urllib.parse import urlencode

from copydesk_api.operating.dead_letters import LetterPage, Outcome, WholeLetter, ends_text
from copydesk_api.parameters import LettersParameters
from copydesk_api.web.pages import render
from copydesk_shared.errors import DeadLetterReason
from copydesk_shared.topics import STAGE_SOURCES

STAGES = (*STAGE_SOURCES, "api")
FILTERS = ("reason", "stage", "source")


def _pairs(parameters: LettersParameters) -> Sequence[tuple[str, str]]:
    given = parameters.model_dump(include=set(FILTERS), exclude_none=True)
    return [(name, str(value)) for name, value in given.items()]


def letters_page(page: LetterPage, parameters: LettersParameters) -> str:
    """The page at ``/dead-letters``."""
    pairs = _pairs(parameters)
    older = urlencode([*pairs, ("cursor", ends_text(page.older))]) if page.older else ""
    return render(
        "dead_letters.html",
        page=page,
        chosen=parameters,
        reasons=[reason.value for reason in DeadLetterReason],
        stages=STAGES,
        is_filtered=bool(pairs),
        first=parameters.cursor is None,
        newest_href=f"/dead-letters?{urlencode(pairs)}" if pairs else "/dead-letters",
        older_href=f"/dead-letters?{older}" if older else None,
    )


def letter_page(letter: WholeLetter) -> str:
    """The page of one letter."""
    return render("dead_letter.html", letter=letter, line=letter.line)


def replayed_page(outcome: Outcome | None) -> str:
    """What became of a replay; ``None`` where no letter was chosen."""
    return render("replayed.html", outcome=outcome)
