"""Rules as data: files of rules, the compiled book, and the families that are made of it.

One file a family, ``data/<family>.yaml``; the keys are those of :mod:`copydesk_cleaner.rulebook.schema`. To use them:

- ``shipped()`` is the book of our own files, compiled once a process.
- ``shipped().rules("promotions")`` are the rules of a family as :class:`Rule`: ``id``, ``kind``, ``scope``, ``needs``,
  ``pattern`` (all patterns of the entry as one compiled expression), ``match(line)`` (the whole line must match).
- ``engine.line_family(rules)`` and ``engine.edge_family(rules)`` make a family of them: of lines, or of ends of lines.
  The groups ``headline``, ``byline``, ``attribution``, ``caption`` and ``credit`` of a pattern reach the article.
- ``shipped().vocabulary("agencies")`` are the words of a list under ``vocabularies`` (a plain list, or lists by
  language: then ``vocabulary_by_language`` keeps them apart). In patterns ``{{agencies}}`` is any word of it,
  ``{{name}}`` a fragment of the same file, ``{{upper}}`` and ``{{lower}}`` the letters of :mod:`copydesk_cleaner.text`.
- ``shipped().leads`` are the words before the headline of another story (READ MORE), with ``words``, ``language`` and
  ``sure``: a sure lead needs a mark after it; after any other the rest must also look like a headline.

A new family runs when :mod:`copydesk_cleaner.rules` names it. A rule that is done by a function has an entry with
scope code in ``data/code-<family>.yaml``, without patterns.
"""

from copydesk_cleaner.rulebook.book import Book, Rule, book_with, digest, shipped
from copydesk_cleaner.rulebook.files import Source

__all__ = ["Book", "Rule", "Source", "book_with", "digest", "shipped"]
