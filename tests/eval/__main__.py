"""What cleaner and classifier reach and the floors: ``python -m tests.eval``; with ``--raise`` the floors become what is reached."""

import argparse
import re
import sys

from tests.eval import figures, floors
from tests.eval.measure import Figures


def reached() -> Figures:
    there = {section: ask for section, ask in figures.DEVELOPER_DATA.items() if figures.data_of(section).exists()}
    for section in figures.DEVELOPER_DATA.keys() - there.keys():
        sys.stderr.write(f"{section}: left out, {figures.data_of(section)} is not there\n")
    sections = {**figures.OWN, **there}
    return {f"{section}.{name}": value for section, ask in sections.items() for name, value in ask().items()}


def raised(toml: str, values: Figures) -> str:
    """The file with each floor that is below its figure raised; everything else stays."""
    now, section, lines = floors.parse(toml), "", []
    for line in toml.splitlines():
        if header := re.match(r"\[([\w.-]+)\]", line):
            section = header[1]
        name = f"{section}.{line.partition(' ')[0]}"
        better = name in now and name in values and floors.worse(name, now[name], floors.rounded(values[name]))
        lines.append(f"{name.rpartition('.')[2]} = {floors.rounded(values[name])}" if better else line)
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
