"""What a revision changed, as a page shows it: bounded, whatever the size of the texts."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from copydesk_api.differences import Difference, Piece

MOST_CHARACTERS = 20_000  # of a revision
AROUND = 400  # of what stayed as it was, at either side of a change
ELLIPSIS = " … "


@dataclass(frozen=True)
class Shown:
    """What changed, as much of it as is shown; ``is_cut`` when there is more."""

    differences: tuple[Difference, ...]
    is_cut: bool


def shown(differences: Iterable[Difference] | None) -> Shown | None:
    """The differences with long stretches of what stayed shortened; ``None`` where there is nothing to compare with."""
    if differences is None:
        return None
    room, is_cut = MOST_CHARACTERS, False
    kept: list[Difference] = []
    for each in differences:
        if room <= 0:
            is_cut = True
            break
        pieces, room = _within(_shortened(each.pieces), room)
        is_cut |= room < 0
        kept.append(replace(each, pieces=tuple(pieces)))
    return Shown(tuple(kept), is_cut)


def _shortened(pieces: tuple[Piece, ...]) -> Iterator[Piece]:
    for at, piece in enumerate(pieces):
        if piece.op == "same" and len(piece.text) > 2 * AROUND + len(ELLIPSIS):
            lead = piece.text[:AROUND].rpartition(" ")[0] if at else ""
            tail = piece.text[-AROUND:].partition(" ")[2] if at + 1 < len(pieces) else ""
            yield Piece("same", f"{lead}{ELLIPSIS}{tail}")
        else:
            yield piece


def _within(pieces: Iterable[Piece], room: int) -> tuple[list[Piece], int]:
    """As much as there is room for, and what is left of the room; less than nothing when there was not enough."""
    kept: list[Piece] = []
    for piece in pieces:
        if room <= 0:
            return kept, -1
        kept.append(Piece(piece.op, piece.text[:room]))
        room -= len(piece.text)
    return kept, room
