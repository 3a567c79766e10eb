"""What the cleaner reaches and the floors: ``python -m tests.eval``; with ``--raise`` the floors become what is reached."""

import argparse
import re
import sys

from tests.cleaner.pages import SHARED_DATA
from tests.eval import figures, floors
from tests.eval.measure import Figures


def reached() -> Figures:
    sections = {**figures.OWN, **(figures.DEVELOPER_DATA if SHARED_DATA.is_dir() else {})}
    return {f"{section}.{name}": value for section, ask in sections.items() for name, value in ask().items()}


def raised(toml: str, values: Figures) -> str:
    """The file with each floor that is below its figure raised; everything else stays."""
    now, section, lines = floors.parse(toml), "", []
    for line in toml.splitlines():
        if header := re.match(r"\[(\w+)\]", line):
            section = header[1]
        name = f"{section}.{line.partition(' ')[0]}"
        higher = name in now and floors.rounded(values.get(name, 0)) > now[name]
        lines.append(f"{name.rpartition('.')[2]} = {floors.rounded(values[name])}" if higher else line)
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.eval", description=__doc__)
    parser.add_argument("--raise", dest="to_raise", action="store_true", help="write the higher floors")
    values, before = reached(), floors.load(floors.HERE)
    if parser.parse_args().to_raise:
        floors.HERE.write_text(raised(floors.HERE.read_text("utf-8"), values), "utf-8")
    for name, value in values.items():
        sys.stdout.write(f"{name:40} {value:8.4f}   floor {before.get(name, 'none')}\n")


if __name__ == "__main__":
    main()
