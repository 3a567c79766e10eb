"""Whether a feed is the same as last time, by its bytes: many servers ignore validators."""

import hashlib
import re
from base64 import urlsafe_b64encode

DIGEST_BYTES = 12
HEAD_BYTES = 64 * 1024
TAIL_BYTES = 4 * 1024

ENTRY = re.compile(rb"<(?:[\w.-]{1,40}:)?(?:item|entry|url|sitemap)[\s>]")
END_OF_ENTRY = re.compile(rb"</(?:[\w.-]{1,40}:)?(?:item|entry|url|sitemap)\s{0,9}>")
# What the head of a feed says of its own making, and comments, where caches put the time.
MAKING = re.compile(
    rb"<(lastBuildDate|pubDate|updated|modified|generator|(?:dc|atom):(?:date|updated|modified))(?:\s[^<>]{0,500})?>"
    rb"[^<>]{0,500}</\1\s{0,9}>|<!--(?>(?:[^<-]++|-(?!->)|<(?!!--))*)-->",
)


def body_digest(url: str, body: bytes) -> str:
    """A digest of a feed that came from this URL. It does not see what tells of the time when the feed was made.

    That is looked for before the first entry and after the last one only: within entries it is news.
    """
    first = ENTRY.search(body, 0, HEAD_BYTES)
    head = first.start() if first else 0
    ends = [match.end() for match in END_OF_ENTRY.finditer(body, max(head, len(body) - TAIL_BYTES))]
    tail = ends[-1] if ends else len(body)
    digest = hashlib.blake2b(url.encode("utf-8", "surrogatepass"), digest_size=DIGEST_BYTES)
    for part in (MAKING.sub(b"", body[:head]), memoryview(body)[head:tail], MAKING.sub(b"", body[tail:])):
        digest.update(b"%d:" % len(part))
        digest.update(part)
    return urlsafe_b64encode(digest.digest()).decode("ascii")
