"""Write the contract into docs/, or release it.

``python -m tools.contract``           writes docs/schemas/*.json and docs/asyncapi.yaml
``python -m tools.contract release``   makes the schemas those that later ones are held against
"""

import sys
from pathlib import Path

from tools.contract import asyncapi, schemas
from tools.contract.compatibility import breaks

DOCS = schemas.RELEASED.parent.parent


def files() -> dict[Path, str]:
    """What is written, by its place under ``docs/``."""
    made = {
        Path("schemas", f"{model.__name__}.json"): schemas.text(schemas.schema(model)) for model in schemas.models()
    }
    return {Path("asyncapi.yaml"): asyncapi.text(), **made}


def problems() -> list[str]:
    """What would break a reader of the last release, a line each."""
    models = {model.__name__: model for model in schemas.models()}
    gone = sorted({path.stem for path in schemas.RELEASED.glob("*/*.json")} - models.keys())
    return [f"{name}: no topic carries it any more" for name in gone] + [
        f"{name} {line}"
        for name, model in models.items()
        if (past := schemas.released(model)) is not None
        for line in breaks(past, schemas.schema(model))
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
    for model in schemas.models():
        path = schemas.released_path(model)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(schemas.text(schemas.schema(model)), encoding="utf-8")


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
