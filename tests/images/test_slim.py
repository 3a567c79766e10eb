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

from tests.tiers import unavailable

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


def test_libraries_are_kept_as_compiled_and_ours_as_written(tmp_path: Path) -> None:
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "__init__.py").write_text("def fail() -> None:\n    raise ValueError('as it should')\n")
    (tmp_path / "library" / "of_old.py").write_text("print 'no Python of today'\n")
    (tmp_path / "copydesk_desk.py").write_text("import library\n\nlibrary.fail()\n")
    slim.compile_whole(tmp_path)
    left = sorted(str(each.relative_to(tmp_path)) for each in tmp_path.rglob("*") if each.is_file())
    assert left == ["copydesk_desk.py", "library/__init__.pyc", "library/of_old.py"]
    said = subprocess.run(
        [sys.executable, "-c", "import copydesk_desk"], env={"PYTHONPATH": str(tmp_path)},
        capture_output=True, text=True, check=False, timeout=60,
    ).stderr  # fmt: skip
    assert "library.fail()" in said, "our own line is told"
    assert f'{tmp_path}/library/__init__.py", line 2, in fail' in said
    assert "ValueError: as it should" in said


@pytest.fixture
def bundled(tmp_path: Path) -> dict[str, Path]:
    """What a wheel brings beside its own libraries."""
    libraries = {name: tmp_path / f"{name}-0a1b2c3d.so.3" for name in ("libcrypto", "libssl")}
    for path in libraries.values():
        path.write_bytes(b"of the wheel")
    if not all(map(slim._system_library, libraries.values())):
        unavailable("openssl", "Python here does not take OpenSSL 3 from the system")
    return libraries


def test_the_openssl_of_the_system_takes_the_place_of_one_that_works(bundled: dict[str, Path]) -> None:
    folder = bundled["libssl"].parent
    slim.take_openssl_of_system(folder, "import os; assert os.environ['LD_BIND_NOW']")
    assert {path.resolve().name for path in bundled.values()} == {"libcrypto.so.3", "libssl.so.3"}
    assert sorted(folder.iterdir()) == sorted(bundled.values())


def test_the_wheel_keeps_its_own_where_the_systems_does_not_serve(bundled: dict[str, Path]) -> None:
    folder = bundled["libssl"].parent
    slim.take_openssl_of_system(folder, "raise SystemExit('version OPENSSL_3.9.0 not found')")
    assert [path.read_bytes() for path in bundled.values()] == [b"of the wheel"] * 2
    assert sorted(folder.iterdir()) == sorted(bundled.values())
