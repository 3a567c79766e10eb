"""Write the contract into docs/, or release it.

``python -m tools.contract``           writes docs/schemas/*.json and docs/asyncapi.yaml
``python -m tools.contract release``   makes the schemas those that later ones are held against
"""

import json
import sys
from pathlib import Path

from tools.contract import asyncapi, headers, schemas
from tools.contract.compatibility import breaks

DOCS = schemas.RELEASED.parent.parent


def current() -> dict[Path, schemas.Schema]:
    """The schemas of the messages and of their headers, by their place below the released ones."""
    made: dict[Path, schemas.Schema] = {}
    for model in schemas.models():
        folder = Path(str(model.schema_version))
        made[folder / f"{model.__name__}.json"] = schemas.schema(model)
        made[folder / f"{model.__name__}.headers.json"] = headers.document(model)
    return made


def files() -> dict[Path, str]:
    """What is written, by its place under ``docs/``."""
    made = {Path("schemas", path.name): schemas.text(schema) for path, schema in current().items()}
    return {Path("asyncapi.yaml"): asyncapi.text(), **made}


def problems() -> list[str]:
    """What would break a reader of the last release, a line each."""
    made = current()
    released = {path.relative_to(schemas.RELEASED) for path in schemas.RELEASED.glob("*/*.json")}
    gone = sorted({path.name for path in released} - {path.name for path in made})
    return [f"{name}: no topic carries it any more" for name in gone] + [
        f"{path.name} {line}"
        for path, schema in made.items()
        if path in released
        for line in breaks(json.loads((schemas.RELEASED / path).read_text(encoding="utf-8")), schema)
    ]


def write(docs: Path) -> None:
    """Write all files, and remove the schemas of messages that are no more."""
    made = files()
    for path, content in made.items():
        (docs / path).parent.mkdir(parents=True, exist_ok=True)
        (docs / path).write_text(content, encoding="utf-8")
    for left in set((docs / "schemas").glob("*.json")) - {docs / path for path in made}:
        left.unlink()


def release() -> None:
    """Keep the schemas as they are as the released ones. Raises ``ValueError`` when that would break a reader."""
    if found := problems():
        raise ValueError("\n".join([*found, "count up schema_version of the model to release this"]))
    for path, schema in current().items():
        (schemas.RELEASED / path).parent.mkdir(parents=True, exist_ok=True)
        (schemas.RELEASED / path).write_text(schemas.text(schema), encoding="utf-8")


def main(arguments: list[str]) -> int:
    """Run the command. Returns the exit code."""
    if arguments == ["release"]:
        try:
            release()
        except ValueError as error:
            sys.stderr.write(f"{error}\n")
            return 2
    elif arguments:
        sys.stderr.write("python -m tools.contract [release]\n")
        return 2
    write(DOCS)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
