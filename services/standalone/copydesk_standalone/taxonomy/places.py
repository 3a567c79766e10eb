"""What a person means by a folder of tags."""

from pathlib import Path

from copydesk_classifier.folder import FITTED_SUFFIX, TAG_SUFFIX, Folder, read_folder
from copydesk_classifier.gazetteers import SUFFIX as GAZETTEER_SUFFIX
from copydesk_classifier.settings import ClassifierSettings
from copydesk_classifier.taxonomy import PACKAGED
from copydesk_shared.errors import InputError
from copydesk_shared.settings import load_settings

PACKAGED_NAME = "packaged"


def folder_of(place: str | None) -> Folder:
    """The files at a place: a folder, one tag of it by its file, or ``packaged``; ``None`` is what the settings say.

    With one tag come its further languages, and the gazetteers and fitted numbers of its folder. Raises
    :class:`UserError`.
    """
    if place is None:
        return read_folder(load_settings(ClassifierSettings).taxonomy_dir or PACKAGED)
    if place == PACKAGED_NAME:
        return read_folder(PACKAGED)
    path = Path(place)
    return _one_tag(path) if path.is_file() else read_folder(path)


def is_one_tag(place: str | None) -> bool:
    """Whether a file was named: then what its folder holds besides is not looked at."""
    return place is not None and place != PACKAGED_NAME and Path(place).is_file()


def _one_tag(path: Path) -> Folder:
    if path.name.endswith(GAZETTEER_SUFFIX) or not path.name.endswith(TAG_SUFFIX):
        raise InputError(f"{path}: not a tag file: those end in {TAG_SUFFIX}")
    tag = path.name.partition(".")[0]
    folder = read_folder(path.parent)
    wanted = {
        name: content
        for name, content in folder.files.items()
        if name.endswith((GAZETTEER_SUFFIX, FITTED_SUFFIX)) or name.partition(".")[0] == tag
    }
    return Folder(folder.path, wanted)
