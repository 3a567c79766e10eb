"""``copydesk taxonomy train`` and ``eval``."""

import json
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from pathlib import Path

import click
from pydantic import BaseModel

from copydesk_classifier.engine import Taxonomy
from copydesk_classifier.evaluation import Judged, Quality, judged, labels_of, quality
from copydesk_classifier.labelled import LabelledText, counts_of, labelled_texts
from copydesk_classifier.taxonomy import taxonomy_of
from copydesk_classifier.weights import CALIBRATION_FILE, HEAD_SUFFIX, MIN_POSITIVES, WEIGHTS_FILE, Calibration
from copydesk_shared.errors import InputError
from copydesk_standalone.taxonomy.places import PACKAGED_NAME, folder_of

LIBRARY = "sklearn"
SHOWN = 10
MISSING = "this needs scikit-learn: install copydesk with its extra 'train'"


def _known(taxonomy: Taxonomy, tags: Sequence[str]) -> None:
    known = [tag.id for tag in taxonomy.tags]
    for tag in tags:
        if tag not in known:
            raise InputError(f"no tag is called {tag!r}; there are: {', '.join(known)}")


def _write(path: Path, content: BaseModel) -> None:
    """Under another name first: a classifier that looks at the folder meanwhile must not find half a file."""
    draft = path.with_name(f".{path.name}.new")
    try:
        draft.write_text(content.model_dump_json(indent=1) + "\n", encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {(error.strerror or str(error)).lower()}") from None


def train_head(tag: str, labelled: Path, folder: Path) -> int:
    """Train a head for a tag of this folder and write it there. Raises :class:`InputError`."""
    try:
        from copydesk_classifier.training import train, without_repeats
    except ModuleNotFoundError as error:
        raise _missing(error) from None
    taxonomy = taxonomy_of(folder_of(str(folder)))
    _known(taxonomy, [tag])
    labelled_all = labelled_texts(labelled)
    texts = without_repeats(labelled_all)
    if len(texts) < len(labelled_all):
        click.echo(f"{labelled}: texts that come again, left out: {len(labelled_all) - len(texts)}")
    trained = train(taxonomy, tag, texts)
    _write(folder / f"{tag}{HEAD_SUFFIX}", trained.head)
    if trained.threshold is not None:
        weights = taxonomy.fitted.weights
        thresholds = {**weights.thresholds, tag: trained.threshold}
        _write(folder / WEIGHTS_FILE, weights.model_copy(update={"thresholds": thresholds}))
        click.echo(f"{folder / WEIGHTS_FILE}: threshold {trained.threshold:g}, since the tag's file says auto")
    counts = counts_of(tag, texts)
    click.echo(f"{folder / f'{tag}{HEAD_SUFFIX}'}: {counts.positive} texts with the tag, {counts.negative} without")
    click.echo(f"F1 on texts that it was not fitted to: {trained.f1_before:.3f} before, {trained.f1_after:.3f} with it")
    if trained.f1_after <= trained.f1_before:
        click.echo("It does not help: remove the file, or label more texts.")
    return 0


def _missing(error: ModuleNotFoundError) -> ModuleNotFoundError | InputError:
    """What to raise when an import fails; only that the library is not there is the user's affair."""
    return InputError(MISSING) if (error.name or "").partition(".")[0] == LIBRARY else error


def evaluate(labelled: Path, place: str | None, only: Sequence[str], style: str, *, calibrate: bool) -> int:
    """Print how well the tags do on labelled texts. Raises :class:`InputError`."""
    folder = folder_of(place)
    if calibrate and place in (None, PACKAGED_NAME):
        raise InputError("--calibrate writes beside the tag files: name their folder with --taxonomy")
    taxonomy = taxonomy_of(folder)
    _known(taxonomy, only)
    texts = labelled_texts(labelled)
    tags = list(only) or labels_of(texts, taxonomy)
    if not tags:
        raise InputError(f"{labelled}: none of its labels is a tag here; there are: {_some(_labels(texts))}")
    if others := _labels(texts) - {tag.id for tag in taxonomy.tags}:
        click.echo(f"{labelled}: passed over, since no tag here is called that: {_some(others)}", err=True)
    results = judged(taxonomy, texts, tags)
    _print({tag: quality(cases) for tag, cases in results.items()}, style)
    if style == "text":
        click.echo(f"{len(texts)} texts, classifier {taxonomy.version}")
    if calibrate:
        _calibrate(folder.path, taxonomy, results)
    return 0


def _labels(texts: Sequence[LabelledText]) -> frozenset[str]:
    return frozenset[str]().union(*(text.tags for text in texts))


def _some(labels: Collection[str]) -> str:
    shown = sorted(labels)[:SHOWN]
    return ", ".join([*shown, *(["..."] if len(shown) < len(labels) else [])]) or "none"


def _print(qualities: dict[str, Quality], style: str) -> None:
    if style == "json":
        for tag, each in qualities.items():
            click.echo(json.dumps({"tag": tag, **{name: round(value, 4) for name, value in each._asdict().items()}}))
        return
    width = max(map(len, [*qualities, "mean F1"]))
    click.echo(f"{'tag':{width}}  texts  precision  recall     F1     AP  Brier")
    for tag, each in qualities.items():
        shares = f"{each.precision:9.3f}  {each.recall:6.3f}  {each.f1:5.3f}  {each.average_precision:5.3f}"
        click.echo(f"{tag:{width}}  {each.positive:5}  {shares}  {each.brier:5.3f}")
    mean = sum(each.f1 for each in qualities.values()) / len(qualities)
    click.echo(f"{'mean F1':{width}}  {'':5}  {'':9}  {'':6}  {mean:5.3f}")


def _calibrate(folder: Path, taxonomy: Taxonomy, results: dict[str, list[Judged]]) -> None:
    try:
        from copydesk_classifier.calibrating import calibration_of
    except ModuleNotFoundError as error:
        raise _missing(error) from None
    tags = dict(taxonomy.fitted.calibration.tags)
    for tag, cases in results.items():
        found = calibration_of(cases, datetime.now(UTC).date().isoformat())
        if found is None:
            click.echo(f"{tag}: not calibrated: that takes {MIN_POSITIVES} texts with the tag and as many without")
        else:
            tags[tag] = found
            click.echo(f"{tag}: calibrated: Brier {found.brier:.3f}, expected calibration error {found.ece:.3f}")
    _write(folder / CALIBRATION_FILE, Calibration(tags=tags))
