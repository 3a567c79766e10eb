"""The figures of ``costs.toml``."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict, PositiveFloat, PositiveInt

Each = Literal["article", "poll"]


class Figure(BaseModel):
    """Something measured, and where it comes from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str


class Work(Figure):
    """Processor time that a service takes for each article or poll."""

    service: str
    each: Each
    milliseconds: PositiveFloat


class Record(Figure):
    """Bytes that each article or poll adds to a topic, once."""

    each: Each
    bytes: PositiveFloat


class Rows(Figure):
    """Bytes that an article takes in the database, with its share of the indexes."""

    bytes: PositiveFloat


class Replica(Figure):
    """Memory that one replica of a service is promised."""

    memory_mib: PositiveInt


class Costs(BaseModel):
    """All of them: work in the order of the pipeline, topics and replicas by name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    work: tuple[Work, ...]
    topic: Mapping[str, Record]
    database: Rows
    replica: Mapping[str, Replica]


@cache
def costs() -> Costs:
    """The packaged figures."""
    told = tomllib.loads(files(__package__).joinpath("costs.toml").read_text(encoding="utf-8"))
    others = {name: told.pop(name) for name in ("topic", "database", "replica")}
    return Costs.model_validate({"work": tuple(told.values()), **others})
