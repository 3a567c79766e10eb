"""What a check says: where, and what is wrong there."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tools.manifests.render import Object


@dataclass(frozen=True, order=True)
class Finding:
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


Check = Callable[[Sequence[Object]], Iterator[Finding]]
