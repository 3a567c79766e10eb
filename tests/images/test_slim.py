"""What is cut from images is not missed: libraries load without the ends that are cut off."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parent.parent.parent
USE = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("zstandard.backend_c", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
print(module.ZstdDecompressor().decompress(module.ZstdCompressor().compress(b"a story")).decode())
"""


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


slim = _load(ROOT / "deploy" / "docker" / "slim.py")


@pytest.fixture
def library(tmp_path: Path) -> Path:
    (found,) = Path(zstandard.__file__).parent.glob("backend_c.*.so")
    copy = tmp_path / found.name
    shutil.copy(found, copy)
    return copy


def test_a_stripped_library_is_smaller_and_works(library: Path) -> None:
    before = library.stat().st_size
    slim.strip_libraries(library.parent)
    assert library.stat().st_size < before / 2
    said = subprocess.run([sys.executable, "-c", USE, library], capture_output=True, text=True, check=True, timeout=60)
    assert said.stdout == "a story\n"


def test_there_is_nothing_to_strip_twice(library: Path) -> None:
    once = slim.stripped(library.read_bytes())
    assert slim.stripped(once) == once


@given(st.binary(max_size=200), st.booleans())
def test_what_is_no_library_stays(content: bytes, begins_like_one: bool) -> None:
    given_content = (slim.IDENTITY if begins_like_one else b"") + content
    after = slim.stripped(given_content)
    assert len(after) <= len(given_content)
    if not begins_like_one:
        assert after == given_content


def test_what_is_not_needed_goes_and_nothing_else(tmp_path: Path) -> None:
    kept = [
        "numpy/_core/numeric.py",
        "babel/locale-data/en.dat",
        "tests/test_x.py",
        "sqlalchemy/dialects/postgresql/x.py",
    ]
    gone = ["numpy/lib/tests/test_io.py", "babel/locale-data/tlh.dat", "sqlalchemy/dialects/mysql/x.py"]
    for name in kept + gone:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    slim.remove_unneeded(tmp_path)
    assert sorted(str(each.relative_to(tmp_path)) for each in tmp_path.rglob("*.*") if each.is_file()) == sorted(kept)
