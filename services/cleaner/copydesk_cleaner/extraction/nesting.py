"""The main part of a page where the parser has put it into a part that never holds it.

libxml2 does not close what HTML 5 closes, so that a menu may swallow all that follows it:
https://html.spec.whatwg.org/multipage/grouping-content.html#the-main-element says where it belongs.
"""

from lxml import html

NEVER_AROUND = frozenset("a aside button footer header label li nav ol select ul".split())


def free_main(tree: html.HtmlElement) -> bool:
    """Move the main part, or else the only article, to the end of the body when it lies in a menu or the like.

    Whether it did.
    """
    parts = list(tree.iter("main", "article"))
    found = [part for part in parts if part.tag == "main"] or parts
    body = tree.find("body")
    if len(found) != 1 or body is None:
        return False
    lies = any(ancestor.tag in NEVER_AROUND for ancestor in found[0].iterancestors())
    if lies:
        found[0].drop_tree()
        found[0].tail = None
        body.append(found[0])
    return lies
