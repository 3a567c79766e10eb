"""The answers about dead letters."""

from dataclasses import asdict

from pydantic import AwareDatetime, BaseModel, Field

from copydesk_api.operating.dead_letters import LetterLine, LetterPage, Outcome, WholeLetter


class LetterItem(BaseModel):
    """A dead letter in short. What it holds is shown with everything that is not printable as an escape."""

    id: str = Field(description="Where it lies: partition/offset.")
    at: AwareDatetime | None
    stage: str = Field(description="Which gave it up.")
    reason: str
    attempts: int
    key: str
    source: str = Field(description="The publisher's domain or the feed, where the record names one.")
    error: str = Field(description="The line of it that says most.")
    replay_count: int = Field(description="How many replays of the record came to nothing.")


class LetterList(BaseModel):
    """A page of dead letters, the newest first; ``next`` is ``null`` on the last one."""

    items: list[LetterItem]
    next: str | None = Field(description="The cursor of the next page.")


class LetterAnswer(LetterItem):
    """A dead letter, as much of it as can be shown: what is very long ends early."""

    origin: str = Field(description="Topic, partition and offset that it was read from.")
    feed: str
    cut: str = Field(description="What of the record was too large to be kept.")
    replay_of: str = Field(description="The letter of which the record was a replay.")
    error_lines: list[str]
    header_lines: list[str]
    value_lines: list[str]


class Stayed(BaseModel):
    """Letters that were not replayed, and why."""

    why: str
    letters: int


class ReplayAnswer(BaseModel):
    """What became of a replay."""

    replayed: int
    stayed: list[Stayed]


def _item(line: LetterLine) -> LetterItem:
    return LetterItem.model_validate({**asdict(line), "id": line.where})


def letter_list(page: LetterPage, cursor: str | None) -> LetterList:
    """The answer for a page."""
    return LetterList(items=[_item(line) for line in page.letters], next=cursor)


def letter_answer(letter: WholeLetter) -> LetterAnswer:
    """The answer for one letter."""
    return LetterAnswer(
        **_item(letter.line).model_dump(),
        origin=letter.origin,
        feed=letter.feed,
        cut=letter.cut,
        replay_of=letter.replay_of,
        error_lines=list(letter.error),
        header_lines=list(letter.headers),
        value_lines=list(letter.value),
    )


def replay_answer(outcome: Outcome) -> ReplayAnswer:
    """The answer for a replay."""
    stayed = [Stayed(why=why, letters=count) for why, count in sorted(outcome.stayed.items())]
    return ReplayAnswer(replayed=outcome.sent, stayed=stayed)
