"""A step of the Dockerfile: take out of an environment what no service of ours ever reads.

That is the files of :data:`UNNEEDED`, the ends of shared libraries, which only debuggers read, and compiled code of
modules that nothing imports: those that are imported are compiled here, once, since an image is read-only.
Usage: PYTHON slim.py, with the Python of the environment
"""

import contextlib
import importlib
import pkgutil
import shutil
import struct
import sys
import sysconfig
from pathlib import Path

# Tests, headers, sources of what is compiled, databases we do not speak, and a client of a model hub: patterns below
# site-packages.
UNNEEDED = """
alembic/testing
babel/locale-data/*.dat
hf_xet
huggingface_hub
lxml/*.h
lxml/html/*diff*
lxml/includes
lxml/isoschematron
lxml/objectify*
numpy/**/*.a
numpy/**/*.pyi
numpy/**/tests
numpy/_core/_simd*
numpy/_core/include
numpy/distutils
numpy/f2py
pydantic/v1
rapidfuzz/fuzz_cpp*
rapidfuzz/process_cpp*
regex/tests
sqlalchemy/dialects/mssql
sqlalchemy/dialects/mysql
sqlalchemy/dialects/oracle
sqlalchemy/testing
tld/tests
wordllama/**/*.c
wordllama/**/*.cpp
""".split()
SCRIPTS = {"__main__", "migrations"}  # modules that do something when they are imported
KEPT = {"babel/locale-data/root.dat", "babel/locale-data/en.dat"}

IDENTITY = b"\x7fELF\x02\x01\x01"  # 64 bits, little-endian, version 1
HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
SEGMENT = struct.Struct("<IIQQQQQQ")


def stripped(library: bytes) -> bytes:
    """The library without what no segment holds; as it is when it is no such library or has nothing to cut.

    What a process maps is told by the program headers (ELF specification, chapter 2); symbol tables for debuggers and
    debug sections lie behind the last of those segments.
    """
    if not library.startswith(IDENTITY) or len(library) < HEADER.size:
        return library
    header = list(HEADER.unpack_from(library))
    start, size, count = header[5], header[9], header[10]
    if size != SEGMENT.size or start + size * count > len(library):
        return library
    segments = [SEGMENT.unpack_from(library, start + number * size) for number in range(count)]
    end = max([start + size * count, *(segment[2] + segment[5] for segment in segments)])
    if end >= len(library):
        return library
    header[6] = header[12] = header[13] = 0  # there is no table of sections any more
    return HEADER.pack(*header) + library[HEADER.size : end]


def strip_libraries(folder: Path) -> None:
    """Strip each library below the folder."""
    for path in folder.rglob("*.so*"):
        if path.is_file() and not path.is_symlink():
            before = path.read_bytes()
            after = stripped(before)
            if len(after) < len(before):
                path.write_bytes(after)


def remove_unneeded(folder: Path) -> None:
    """Remove what :data:`UNNEEDED` names below the folder."""
    for pattern in UNNEEDED:
        for path in [*folder.glob(pattern)]:
            if str(path.relative_to(folder)) in KEPT:
                continue
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def compile_imported() -> None:
    """Import every module of ours, which compiles all that they import."""
    for package in [each for each in pkgutil.iter_modules() if each.name.startswith("copydesk_")]:
        names = [each.name for each in pkgutil.walk_packages([*_places(package.name)], f"{package.name}.")]
        for name in [each for each in names if not SCRIPTS.intersection(each.split("."))]:
            with contextlib.suppress(ImportError):  # it belongs to an extra that is not installed
                importlib.import_module(name)


def _places(package: str) -> list[str]:
    return [*importlib.import_module(package).__path__]


if __name__ == "__main__":
    here = Path(sysconfig.get_path("purelib"))
    remove_unneeded(here)
    strip_libraries(here)
    sys.dont_write_bytecode = False
    compile_imported()
