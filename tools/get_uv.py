"""Fetch the uv that uv.lock pins, with nothing but the standard library, and check its digest.

A bare Python has neither pip nor ensurepip on some systems. The lock file says where uv's wheel is and its digest.
Usage: python3 tools/get_uv.py DESTINATION
"""

import hashlib
import io
import platform
import sys
import urllib.request
import zipfile
from pathlib import Path
from typing import Any

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


def main() -> None:
    """Put the uv program at the destination."""
    destination = Path(sys.argv[1])
    wheel = pinned_wheel(tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8")))
    try:
        with urllib.request.urlopen(wheel["url"], timeout=120) as answer:  # noqa: S310 - an https URL of the lock file
            content = answer.read()
    except OSError as error:
        sys.exit(f"copydesk: error: uv could not be downloaded: {error}")
    if "sha256:" + hashlib.sha256(content).hexdigest() != wheel["hash"]:
        sys.exit(f"copydesk: error: {wheel['url']} is not what uv.lock says it is")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        program = next(name for name in archive.namelist() if name.endswith("/scripts/uv"))
        destination.parent.mkdir(parents=True, exist_ok=True)
        partial = destination.with_suffix(".part")
        partial.write_bytes(archive.read(program))
    partial.chmod(0o755)
    partial.replace(destination)


if __name__ == "__main__":
    main()
