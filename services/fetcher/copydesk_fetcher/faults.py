"""What faults of connections and of servers' HTTP are called for people: libraries name their classes."""

import re
from collections.abc import Mapping

CHARACTERS = 300
ERROR_NUMBER = re.compile(r"^\[Errno -?\d+\] ")
# What a library says where it says nothing but a name, its own or that of an event of HTTP/2.
NAME = re.compile(r"^(?:\w+(?:Error|Exception|Timeout))?$|^<")
EVENTS: Mapping[str, str] = {
    "<ConnectionTerminated": "the server ended the HTTP/2 connection",
    "<StreamReset": "the server broke the request off",
}
KINDS: Mapping[str, str] = {
    "ConnectError": "no connection",
    "ConnectTimeout": "no connection in time",
    "PoolTimeout": "no connection was free in time",
    "ReadError": "the connection broke",
    "ReadTimeout": "nothing came in time",
    "WriteError": "the connection broke",
    "WriteTimeout": "nothing was taken in time",
}


def told(error: BaseException) -> str:
    """The error in one line, without names of classes."""
    text = ERROR_NUMBER.sub("", " ".join(str(error).split()))[:CHARACTERS]
    if not NAME.search(text):
        return text
    event = next((said for start, said in EVENTS.items() if text.startswith(start)), None)
    return event or KINDS.get(type(error).__name__, "not HTTP as it should be")
