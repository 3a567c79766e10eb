"""A step of the Dockerfile: take out of an environment what no service of ours ever reads.

That is the files of :data:`UNNEEDED`, the ends of shared libraries, which only debuggers read, and the sources of what
others wrote: an image is read-only, so everything is compiled here, once, and a traceback names file, line and function
without them. Our own sources stay.
Usage: PYTHON slim.py, with the Python of the environment
"""

import contextlib
import ctypes
import importlib
import os
import pkgutil
import py_compile
import shutil
import struct
import subprocess
import sys
import sysconfig
from pathlib import Path

# Tests, headers, sources of what is compiled, types that only editors read, databases we do not speak, objects
# for rows, the second of two ways to the same codec, and a client of a model hub: patterns below site-packages.
UNNEEDED = """
**/*.pyi
alembic/testing
babel/locale-data/*.dat
fastapi/.agents
google/api
google/cloud
google/gapic
google/logging
google/longrunning
google/rpc
google/shopping
google/type
hf_xet
huggingface_hub
lxml/*.h
lxml/html/*diff*
lxml/includes
lxml/isoschematron
lxml/objectify*
numpy/**/*.a
numpy/**/tests
numpy/_core/_simd*
numpy/_core/include
numpy/distutils
numpy/f2py
pydantic/v1
rapidfuzz/distance/metrics_cpp_avx2*
rapidfuzz/fuzz_cpp*
rapidfuzz/process_cpp*
regex/tests
sqlalchemy/dialects/mssql
sqlalchemy/dialects/mysql
sqlalchemy/dialects/oracle
sqlalchemy/ext/[!_c]*
sqlalchemy/orm
sqlalchemy/testing
tld/tests
wordllama/**/*.c
wordllama/**/*.cpp
zstandard/_cffi*
zstandard/backend_cffi.py
""".split()
SCRIPTS = {"__main__", "migrations"}  # modules that do something when they are imported
OURS = "copydesk_"
# Wheels that bring an OpenSSL of their own, and what has to work with the system's in its place.
BRING_OPENSSL = {"psycopg_binary.libs": "import psycopg; psycopg.pq.version()"}
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


def take_openssl_of_system(folder: Path, check: str) -> None:
    """Put the system's OpenSSL in the place of one that a wheel brings: it is there anyway, kept safe with the base.

    Where the system's cannot serve the wheel keeps its own. OpenSSL 3.0 serves wheels that were built with 3.5.
    """
    own = [path for name in ("libcrypto", "libssl") for path in folder.glob(f"{name}-*.so.*")]
    systems = {path: _system_library(path) for path in own}
    if not own or not all(systems.values()):
        return
    kept = {path: path.rename(path.with_name(f"{path.name}.own")) for path in own}
    for path, system in systems.items():
        path.symlink_to(str(system))
    # All functions are looked up at once: a missing one would otherwise be noticed by the connection that needs it.
    command = [sys.executable, "-c", check]
    works = subprocess.run(command, env={**os.environ, "LD_BIND_NOW": "1"}, capture_output=True, check=False)  # noqa: S603
    for path, before in kept.items():
        if works.returncode == 0:
            before.unlink()
        else:
            before.replace(path)


def _system_library(own: Path) -> Path | None:
    """Where the system has the library of this name: ``libssl-6a9b88ec.so.3`` is ``libssl.so.3``."""
    name, _, rest = own.name.partition("-")
    wanted = f"{name}.{rest.partition('.')[2]}"
    with contextlib.suppress(OSError):
        ctypes.CDLL(wanted)
    loaded = {line.split()[-1] for line in Path("/proc/self/maps").read_text(encoding="utf-8").splitlines()}
    return next((path for path in map(Path, sorted(loaded)) if path.name == wanted), None)


def compile_whole(folder: Path) -> None:
    """Put the compiled code of what others wrote in the place of its sources; what is no Python of today stays."""
    for path in folder.rglob("*.py"):
        if not path.relative_to(folder).parts[0].startswith(OURS):
            with contextlib.suppress(py_compile.PyCompileError):
                py_compile.compile(str(path), cfile=str(path.with_suffix(".pyc")), doraise=True)
                path.unlink()
    for cache in folder.rglob("__pycache__"):
        shutil.rmtree(cache)


def compile_ours() -> None:
    """Import every module of ours, which compiles them."""
    for package in [each for each in pkgutil.iter_modules() if each.name.startswith(OURS)]:
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
    for libraries, use in BRING_OPENSSL.items():
        take_openssl_of_system(here / libraries, use)
    compile_whole(here)
    sys.dont_write_bytecode = False
    compile_ours()
