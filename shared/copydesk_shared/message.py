"""What all messages have in common."""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict


class Message(BaseModel):
    """Base of everything that travels on a topic.

    ``schema_version`` counts the changes that would break a reader; it is part of the names of type and schema.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)

    schema_version: ClassVar[int] = 1
