"""The pages in Chromium: they lay out on a phone and on a desktop, in light and dark, and load nothing that is refused."""

import struct
import subprocess
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from copydesk_api.app import create_app
from copydesk_api.settings import ApiSettings
from copydesk_api.store import Store
from tests.api.samples import article, fused_article
from tests.api.servers import serving

pytestmark = pytest.mark.browser

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --hide-scrollbars --enable-logging=stderr"
).split()
DARK = ["--force-dark-mode", "--blink-settings=preferredColorScheme=0"]
PHONE, DESKTOP = (390, 844), (1280, 900)
PAPER = (251, 250, 247)
DARK_PAPER = (21, 22, 24)
NARROW_MARGIN = 8


@pytest.fixture(scope="module")
def base_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    store = Store.open(f"sqlite:///{tmp_path_factory.mktemp('browser') / 'api.db'}")
    long = article("long", title="W" * 150, text="unbroken" * 60, tags=("conflict",), minutes=-3)
    store.write([("fused", fused_article()), ("long", long)], {0: 2})
    with serving(create_app(store, ApiSettings())) as url:
        yield url
    store.close()


def pixels(path: Path) -> tuple[int, int, list[bytes]]:
    """Width, height and the rows of an 8-bit PNG without interlacing (RFC 2083), three bytes a pixel."""
    data = path.read_bytes()
    at, header, packed = 8, b"", b""
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + length]
        header, packed = (body if kind == b"IHDR" else header), (packed + body if kind == b"IDAT" else packed)
        at += length + 12
    width, height, depth, colour = struct.unpack(">IIBB", header[:10])
    size = {2: 3, 6: 4}[colour]
    assert depth == 8
    raw, previous, rows = zlib.decompress(packed), bytes(width * size), []
    for number in range(height):
        line = raw[number * (width * size + 1) :][: width * size + 1]
        previous = _unfilter(line[0], line[1:], previous, size)
        rows.append(b"".join(previous[i : i + 3] for i in range(0, len(previous), size)) if size == 4 else previous)
    return width, height, rows


def _unfilter(kind: int, line: bytes, above: bytes, size: int) -> bytes:
    out = bytearray(line)
    for i in range(len(out)):
        left, up, corner = (out[i - size] if i >= size else 0), above[i], (above[i - size] if i >= size else 0)
        out[i] = (out[i] + (0, left, up, (left + up) // 2, _paeth(left, up, corner))[kind]) & 255
    return bytes(out)


def _paeth(left: int, up: int, corner: int) -> int:
    guess = left + up - corner
    return min((abs(guess - left), 0, left), (abs(guess - up), 1, up), (abs(guess - corner), 2, corner))[2]


def run(chromium: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [chromium, *FLAGS, f"--user-data-dir={folder / 'profile'}", *arguments],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert "Content Security Policy" not in done.stderr, done.stderr
    return done


@pytest.mark.parametrize(
    ("path", "size", "dark"),
    [("/", PHONE, False), ("/articles/fused?removed=1", DESKTOP, True)],
)
def test_a_screenshot(
    chromium: str, base_url: str, tmp_path: Path, path: str, size: tuple[int, int], dark: bool
) -> None:
    picture = tmp_path / "page.png"
    width, height = size
    run(
        chromium,
        tmp_path,
        *(DARK if dark else []),
        f"--window-size={width},{height}",
        f"--screenshot={picture}",
        f"{base_url}{path}",
    )
    found_width, found_height, rows = pixels(picture)
    assert (found_width, found_height) == size
    paper = bytes(DARK_PAPER if dark else PAPER)
    edges = [row[-3 * NARROW_MARGIN :] for row in rows[80:]]
    assert all(edge == paper * NARROW_MARGIN for edge in edges), "something runs over the right edge"
    middle = b"".join(rows[80:])
    painted = sum(middle[i : i + 3] != paper for i in range(0, len(middle), 3)) / (len(middle) / 3)
    assert 0.02 < painted < 0.6


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_the_policy_lets_the_page_load_all_it_names(chromium: str, base_url: str, tmp_path: Path, path: str) -> None:
    done = run(chromium, tmp_path, "--dump-dom", f"{base_url}{path}")
    assert "Copydesk" in done.stdout
