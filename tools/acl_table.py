"""The rights that each part of Copydesk needs at Apache Kafka, from the table of who reads and writes what.

``python -m tools.acl_table`` writes them into docs/security-kafka.md; a test compares the two.
"""

from pathlib import Path

from copydesk_shared.topics import CLEANED, DEAD_LETTER, FEEDS
from tools.contract.applications import APPLICATIONS, Application

PAGE = Path(__file__).resolve().parent.parent / "docs" / "security-kafka.md"
BEGIN = "<!-- rights: written by python -m tools.acl_table -->\n"
END = "<!-- end of rights -->\n"
# Reads that carry no message from one part to another: the file is compared with the feeds that are there.
LOOKS_AT = {"feeds-file": (FEEDS,)}
# A group that is not ours to name.
GROUP_OF = {"subscriber": "the group it reads in"}
COMMANDS = (
    "| `copydesk topics apply` | `Create`, `Describe`, `DescribeConfigs`, `Alter`, `AlterConfigs` on all topics | - |\n"
    "| `copydesk topics diff`, `describe` | `Describe` and `DescribeConfigs` on all topics | - |\n"
    f"| `copydesk replay` | `Read` on `{CLEANED.name}` | `classifier`, `classifier-shadow` |\n"
    f"| `copydesk dead-letters purge` | `Read` and `Delete` on `{DEAD_LETTER.name}` | - |\n"
)


def rights(application: Application) -> dict[str, list[str]]:
    """The names of the topics on which an application needs each operation. The first two imply ``Describe``."""
    used = {
        "Read": (*application.receives, *LOOKS_AT.get(application.name, ())),
        "Write": application.sends,
        "Describe": application.watches,
    }
    return {operation: [topic.name for topic in topics] for operation, topics in used.items() if topics}


def _cell(application: Application) -> str:
    return "; ".join(
        f"`{operation}`: {', '.join(f'`{name}`' for name in names)}" for operation, names in rights(application).items()
    )


def _group(application: Application) -> str:
    own = f"`{application.group}`" if application.group else GROUP_OF.get(application.name, "-")
    watched = ", ".join(f"`{group}`" for group in application.watched_groups)
    return f"{own}; `Describe` on {watched}" if watched else own


def table() -> str:
    """The table in Markdown."""
    rows = [f"| {each.name} | {_cell(each)} | {_group(each)} |\n" for each in APPLICATIONS]
    return "| who | topics | `Read` on group |\n|---|---|---|\n" + "".join(rows) + COMMANDS


def with_table(page: str) -> str:
    """The page with the table as it is now. Raises ValueError when a mark is missing."""
    before, _, rest = page.partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise ValueError(f"{PAGE} lacks {BEGIN.strip()} or {END.strip()}")
    return f"{before}{BEGIN}{table()}{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
