"""The functions that scorers call, by their former name."""

from tests.eval.scored import from_html, from_text

__all__ = ["from_html", "from_text"]
