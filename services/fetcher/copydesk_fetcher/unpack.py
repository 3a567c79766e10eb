"""Content codings (RFC 9110 section 8.4) undone piece by piece, so that no answer takes more memory than its limit.

Every decoder takes its input in slices and gives its output in pieces of at most ``PIECE`` bytes (zstd: all that a
slice gives, as far as the limit), and nothing is unpacked before the piece before it was counted.
"""

import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

import brotli
import zstandard

from copydesk_fetcher.responses import FetchReason, TooLarge, Unreachable, Unsupported

ACCEPT_ENCODING = "gzip, deflate, br, zstd"
PIECE = 256 * 1024
SLICE = 4096
ZSTD_WINDOW = 8 * 1024 * 1024  # RFC 9659: what a server may use for a client that it knows nothing of
CODINGS_AT_MOST = 2
GZIP_MEMBERS = 1000
BOMB_RATIO = 50
GZIP_MAGIC = b"\x1f\x8b"


def _bomb(limit: int) -> TooLarge:
    return TooLarge(f"a bomb: larger than {limit} bytes when unpacked, of a small part of that", FetchReason.BOMB)


class _Decoder(Protocol):
    def pieces(self, data: bytes) -> Iterator[bytes]: ...

    def is_complete(self) -> bool: ...


class _Gzip:
    def __init__(self, limit: int) -> None:
        del limit
        self._inflate = zlib.decompressobj(16 + zlib.MAX_WBITS)
        self._members = 1

    def pieces(self, data: bytes) -> Iterator[bytes]:
        while data:
            yield self._inflate.decompress(data, PIECE)
            data = self._inflate.unconsumed_tail
            if self._inflate.eof:
                data = self._next_member()

    def _next_member(self) -> bytes:
        rest = self._inflate.unused_data
        if not rest.startswith(GZIP_MAGIC):
            return b""
        self._members += 1
        if self._members > GZIP_MEMBERS:
            raise TooLarge(f"a bomb: more than {GZIP_MEMBERS} gzip members", FetchReason.BOMB)
        self._inflate = zlib.decompressobj(16 + zlib.MAX_WBITS)
        return rest

    def is_complete(self) -> bool:
        return self._inflate.eof


class _Deflate:
    """Some servers send raw deflate data where RFC 9110 wants the zlib format."""

    def __init__(self, limit: int) -> None:
        del limit
        self._inflate: zlib._Decompress | None = None

    def pieces(self, data: bytes) -> Iterator[bytes]:
        if self._inflate is None:
            self._inflate = zlib.decompressobj(zlib.MAX_WBITS if data[0] & 0x0F == zlib.DEFLATED else -15)
        while data and not self._inflate.eof:
            yield self._inflate.decompress(data, PIECE)
            data = self._inflate.unconsumed_tail

    def is_complete(self) -> bool:
        return self._inflate is None or self._inflate.eof


class _Brotli:
    def __init__(self, limit: int) -> None:
        del limit
        self._inflate = brotli.Decompressor()

    def pieces(self, data: bytes) -> Iterator[bytes]:
        if self._inflate.is_finished():
            return
        while piece := self._inflate.process(data, output_buffer_limit=PIECE):
            yield piece
            data = b""

    def is_complete(self) -> bool:
        return bool(self._inflate.is_finished())


class _Zstd:
    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._out: list[bytes] = []
        self._inflate = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW).stream_writer(self)  # type: ignore[arg-type]

    def write(self, part: bytes) -> int:
        self._size += len(part)
        if self._size > self._limit + PIECE:
            raise _bomb(self._limit)
        self._out.append(part)
        return len(part)

    def pieces(self, data: bytes) -> Iterator[bytes]:
        self._inflate.write(data)
        out, self._out = self._out, []
        yield b"".join(out)

    def is_complete(self) -> bool:
        """Not known: the library does not tell. What breaks off is seen by its length or its last chunk."""
        return True


DECODERS: Mapping[str, Callable[[int], _Decoder]] = {
    "gzip": _Gzip,
    "x-gzip": _Gzip,
    "deflate": _Deflate,
    "br": _Brotli,
    "zstd": _Zstd,
}
BROKEN = (zlib.error, brotli.error, zstandard.ZstdError)


def codings(content_encoding: str) -> tuple[str, ...]:
    """The codings of a body in the order to undo them. Raises :class:`Unsupported` (ENCODING)."""
    names = [name.strip() for name in content_encoding.lower().split(",")]
    applied = [name for name in names if name not in ("", "identity")]
    unknown = [name for name in applied if name not in DECODERS]
    if unknown:
        raise Unsupported(f"content-encoding {unknown[0][:50]!r} was not asked for", FetchReason.ENCODING)
    if len(applied) > CODINGS_AT_MOST:
        raise Unsupported(f"{len(applied)} content-encodings on top of each other", FetchReason.ENCODING)
    return tuple(reversed(applied))


class Body:
    """Collects an answer, unpacked, and refuses it as soon as it passes the limit.

    Raises :class:`Unsupported` for a compression we did not ask for.
    """

    def __init__(self, content_encoding: str, limit: int) -> None:
        self._codings = codings(content_encoding) if content_encoding else ()
        self._limit = limit
        self._decoders = [DECODERS[name](limit) for name in self._codings]
        self._parts: list[bytes] = []
        self._size = 0
        self._received = 0
        self._work = 0

    @property
    def start(self) -> bytes:
        """The first bytes, unpacked, as far as they came; empty before."""
        return self._parts[0][:64] if self._parts else b""

    def feed(self, chunk: bytes) -> Iterator[None]:
        """Take a chunk as it came; yields after each ``PIECE`` of work, so that a loop can see to others in between.

        Raises :class:`TooLarge`, and :class:`Unreachable` when the data cannot be unpacked.
        """
        if not self._decoders:
            self._received += len(chunk)
            self._keep(chunk)
            return
        try:
            for start in range(0, len(chunk), SLICE):
                yield from self._unpack(chunk[start : start + SLICE])
        except BROKEN as error:
            raise Unreachable(f"broken {' in '.join(self._codings)} data: {error}", FetchReason.ENCODING) from None

    def _unpack(self, data: bytes) -> Iterator[None]:
        self._received += len(data)
        if self._received > self._limit:
            raise self._too_large()
        for piece in self._through(data, 0):
            self._keep(piece)
            self._work += len(piece)
            if self._work > PIECE:
                self._work = 0
                yield

    def _through(self, data: bytes, level: int) -> Iterator[bytes]:
        for piece in self._decoders[level].pieces(data):
            if piece and level + 1 < len(self._decoders):
                yield from self._through(piece, level + 1)
            elif piece:
                yield piece

    def _keep(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > self._limit:
            raise self._too_large()
        if self._parts and len(self._parts[-1]) + len(part) <= SLICE:
            # A part of a few bytes takes many times their memory.
            self._parts[-1] += part
        else:
            self._parts.append(part)

    def _too_large(self) -> TooLarge:
        is_bomb = self._size > self._received * BOMB_RATIO
        return _bomb(self._limit) if is_bomb else TooLarge(f"larger than {self._limit} bytes")

    def finish(self) -> bytes:
        """All of it. Raises :class:`Unreachable` when compressed data broke off."""
        if self._received and not all(decoder.is_complete() for decoder in self._decoders):
            raise Unreachable(f"{' in '.join(self._codings)} data broke off", FetchReason.ENCODING)
        return b"".join(self._parts)
