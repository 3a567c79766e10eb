"""Cuts what arrives on a socket into frames: a length of four bytes, then that many bytes."""

_LENGTH_BYTES = 4
_SCRATCH_BYTES = 64 << 10
_FIRST_ALLOCATION = 256 << 10
# The smallest request header there is: key, version, correlation id and a null client id.
MIN_FRAME = 8


class FrameError(Exception):
    """A length that no request has."""


class FrameReader:
    """Hands out the buffer to receive into, and cuts frames out of what was received.

    Small frames go through a scratch buffer. A large one is received in place into a buffer that grows as the
    bytes arrive, so that a length alone, which costs its sender nothing, reserves little.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._scratch = bytearray(_SCRATCH_BYTES)
        self._filled = 0
        self._frame = bytearray()
        self._wanted = 0
        self._have = 0

    @property
    def is_inside_frame(self) -> bool:
        return bool(self._wanted or self._filled)

    @property
    def reserved(self) -> int:
        """Bytes taken for a large frame that is still arriving."""
        return len(self._frame)

    def release(self) -> None:
        """Give up what has arrived; nothing more will."""
        self._scratch, self._frame = bytearray(), bytearray()
        self._filled = self._wanted = self._have = 0

    def buffer(self) -> memoryview:
        """Where the next bytes go; never empty."""
        if not self._wanted:
            return memoryview(self._scratch)[self._filled :]
        if self._have == len(self._frame):
            self._frame = self._frame + bytes(min(len(self._frame), self._wanted - self._have))
        return memoryview(self._frame)[self._have :]

    def received(self, count: int) -> list[memoryview]:
        """The frames that ``count`` more bytes complete. Raises FrameError."""
        if self._wanted:
            self._have += count
            return [self._whole()] if self._have == self._wanted else []
        self._filled += count
        return self._cut()

    def _whole(self) -> memoryview:
        frame = memoryview(self._frame)
        self._frame, self._wanted, self._have = bytearray(), 0, 0
        return frame

    def _cut(self) -> list[memoryview]:
        frames: list[memoryview] = []
        start = 0
        while self._filled - start >= _LENGTH_BYTES:
            length = int.from_bytes(self._scratch[start : start + _LENGTH_BYTES], "big", signed=True)
            if not MIN_FRAME <= length <= self._max_bytes:
                raise FrameError(f"a frame of {length} bytes (allowed: {MIN_FRAME} to {self._max_bytes})")
            end = start + _LENGTH_BYTES + length
            if end > self._filled:
                if end - start > _SCRATCH_BYTES:
                    self._begin_large(start + _LENGTH_BYTES, length)
                    return frames
                break
            frames.append(memoryview(bytes(self._scratch[start + _LENGTH_BYTES : end])))
            start = end
        rest = self._scratch[start : self._filled]
        self._scratch[: len(rest)] = rest
        self._filled = len(rest)
        return frames

    def _begin_large(self, start: int, length: int) -> None:
        have = self._filled - start
        self._frame = bytearray(min(length, max(_FIRST_ALLOCATION, have)))
        self._frame[:have] = self._scratch[start : self._filled]
        self._filled, self._wanted, self._have = 0, length, have
