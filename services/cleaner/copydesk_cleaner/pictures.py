"""The pictures of an article, from the page's figures and from the captions that stood in its text, each once."""

from collections.abc import Sequence

from copydesk_cleaner.text import key
from copydesk_shared.messages import Image

MIN_SAME = 20
MAX_IMAGES = 200


def _same(one: Image, other: Image) -> bool:
    mine, theirs = key(one.caption), key(other.caption)
    if not mine or not theirs:
        return not mine and not theirs and bool(one.credit) and key(one.credit) == key(other.credit)
    short, long = sorted((mine, theirs), key=len)
    return short == long or (len(short) >= MIN_SAME and long.startswith(short))


def is_same_picture(one: Image, other: Image) -> bool:
    """Whether two mentions by the page itself are of one picture: the same address or the same caption."""
    if one.caption and other.caption:
        return key(one.caption) == key(other.caption)
    return one.url is not None and one.url == other.url


def completed_by(image: Image, other: Image) -> Image:
    """The picture, with what only the other mention of it tells."""
    return image.model_copy(
        update={
            "url": image.url or other.url,
            "caption": image.caption or other.caption,
            "credit": image.credit or other.credit,
            "agencies": image.agencies or other.agencies,
        },
    )


def merged(figures: Sequence[Image], cut: Sequence[Image]) -> tuple[Image, ...]:
    """The figures first, completed by the captions cut from the text; then the captions that match no figure."""
    images = list(figures)
    for picture in cut[:MAX_IMAGES]:
        if not picture.caption and not picture.credit:
            continue
        index = next((i for i, image in enumerate(images) if _same(image, picture)), None)
        if index is None:
            images.append(picture)
        else:
            images[index] = completed_by(images[index], picture)
    return tuple(images)
