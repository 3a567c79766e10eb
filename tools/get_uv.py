"""Fetch the uv that uv.lock pins, with nothing but the standard library, and check its digest.

A bare Python has neither pip nor ensurepip on some systems. The lock file says where uv's wheel is and its digest. With
UV_DEFAULT_INDEX, as uv itself takes it, the wheel is looked for there.
Usage: python3 tools/get_uv.py DESTINATION
"""

import base64
import hashlib
import io
import os
import platform
import re
import sys
import urllib.request
import zipfile
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit, urlunsplit

if sys.version_info < (3, 11):  # noqa: UP036 - whoever runs this may have an older one
    sys.exit(f"copydesk: error: Python 3.11 or newer is needed, this is {platform.python_version()} ({sys.executable})")

import tomllib

ROOT = Path(__file__).resolve().parent.parent
ARCHITECTURES = {"amd64": "x86_64", "arm64": "aarch64"}


def wheel_tag() -> str:
    """What the file name of this machine's wheel holds."""
    machine = ARCHITECTURES.get(platform.machine().lower(), platform.machine().lower())
    if sys.platform == "darwin":
        return "macosx_11_0_arm64" if machine == "aarch64" else f"macosx_10_12_{machine}"
    libc = "manylinux" if platform.libc_ver()[0] == "glibc" else "musllinux"
    return f"{libc}*_{machine}"


def pinned_wheel(lock: dict[str, Any]) -> dict[str, Any]:
    """The lock's entry of uv's wheel for this machine."""
    start, _, end = wheel_tag().partition("*")
    for package in lock["package"]:
        if package["name"] == "uv":
            for wheel in package["wheels"]:
                name = wheel["url"].rpartition("/")[2]
                if start in name and name.removesuffix(".whl").endswith(end or start):
                    return dict(wheel)
    sys.exit(f"copydesk: error: uv has no build for this machine ({wheel_tag()}); install uv by hand as {sys.argv[1]}")


def read(url: str) -> bytes:
    """What is there; a name and a password before the host are sent as RFC 7617 says."""
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    request = urllib.request.Request(urlunsplit(parts._replace(netloc=host)))  # noqa: S310 - of the lock file or the user
    if user:
        request.add_header("Authorization", "Basic " + base64.b64encode(unquote(user).encode()).decode())
    with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310 - the same
        content: bytes = answer.read()
    return content


def address(wheel: dict[str, Any], index: str | None) -> str:
    """Where the wheel is: on the page that the index has for uv (PEP 503), else where the lock file says."""
    url = str(wheel["url"])
    if not index:
        return url
    page = f"{index.rstrip('/')}/uv/"
    name = url.rpartition("/")[2]
    for link in re.findall(r"""href\s*=\s*["']([^"']+)""", read(page).decode(errors="replace")):
        found = urljoin(page, unescape(link)).partition("#")[0]
        if unquote(found.rpartition("/")[2]) == name:
            return found
    sys.exit(f"copydesk: error: the package index has no {name}")


def main() -> None:
    """Put the uv program at the destination."""
    destination = Path(sys.argv[1])
    wheel = pinned_wheel(tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8")))
    try:
        content = read(address(wheel, os.environ.get("UV_DEFAULT_INDEX")))
    except OSError as error:
        sys.exit(f"copydesk: error: uv could not be downloaded: {error}")
    if "sha256:" + hashlib.sha256(content).hexdigest() != wheel["hash"]:
        sys.exit("copydesk: error: the uv that was downloaded is not the one of uv.lock")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        program = next(name for name in archive.namelist() if name.endswith("/scripts/uv"))
        destination.parent.mkdir(parents=True, exist_ok=True)
        partial = destination.with_suffix(".part")
        partial.write_bytes(archive.read(program))
    partial.chmod(0o755)
    partial.replace(destination)


if __name__ == "__main__":
    main()
