from pathlib import Path

import pytest

from copydesk_classifier.taxonomy import Taxonomy, load_taxonomy
from tests.classifier.samples import TAG_FILE, folder


@pytest.fixture(scope="session")
def packaged() -> Taxonomy:
    """The taxonomy that comes with the package."""
    return load_taxonomy()


@pytest.fixture
def ferries(tmp_path: Path) -> Taxonomy:
    """A taxonomy of one small tag."""
    return load_taxonomy(folder(tmp_path, TAG_FILE))
