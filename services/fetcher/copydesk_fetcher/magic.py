"""What bytes are, whatever the server calls them: kinds of files that hold neither a page nor a feed.

Compressed files are not among them: sitemaps come as ``.xml.gz``. The patterns are those of the WHATWG MIME Sniffing
Standard, section 7.1, and of the formats' own specifications.
"""

MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "a PDF document"),
    (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF87a", "a GIF picture"),
    (b"GIF89a", "a GIF picture"),
    (b"RIFF", "a RIFF file"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"ID3", "MP3 sound"),
    (b"OggS", "Ogg sound or film"),
    (b"\x1aE\xdf\xa3", "a Matroska film"),
    (b"wOFF", "a font"),
    (b"wOF2", "a font"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90\x00", "a program"),
    (b"\x00asm", "a program"),
    (b"SQLite format 3\x00", "a database"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"%!PS-Adobe-", "a PostScript document"),
    (b"\xd0\xcf\x11\xe0", "an Office document"),
)
# The box of MP4, MOV, HEIC and AVIF files begins with its size.
BOX = b"ftyp"
STARTS = frozenset(magic[:1] for magic, _ in MAGIC)


def binary_kind(start: bytes) -> str | None:
    """What the file that starts with these bytes is, ``None`` where it can be text."""
    if start[:1] in STARTS:
        for magic, kind in MAGIC:
            if start.startswith(magic):
                return kind
    return "an MP4 film or picture" if start[4:8] == BOX and start[:1] == b"\x00" else None
