"""See how much a recogniser learns of another hand from 100 corrected digits, and what it forgets.

``python -m tests.another_hand BASE.keras [HAND ...] [--seed 0]``: a hand is a handwriting font, got from
npm as ``letter_glyphs.py`` does, whose every digit is drawn anew: slanted, scaled, bent and with another pen. Or it is
``usps``, the mail of the United States Postal Service (``tests/usps.py``). A device reads what is written and keeps
what it is unsure of; the first 100 of these, or as many as there are among 2,000 digits, are corrected; ``train
--base`` goes on with them and its gate says what became of the old sets; and 500 digits that come after them are read
by both models. The default are hands that nothing was chosen by.
"""

import argparse
import io
import itertools
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from benchmarks.quality.relearned import NONE, Answerer
from benchmarks.scripts.letter_glyphs import font_of
from digitrec_edge.collection import UNSURE_BELOW, Collection, Keep, Kept, utc_now
from digitrec_edge.errors import PictureError
from digitrec_edge.no_digit import score
from digitrec_edge.preprocess import to_digit

HANDS = (
    "usps", "rock-salt", "homemade-apple", "just-another-hand", "nothing-you-could-do", "gloria-hallelujah", "caveat",
)  # fmt: skip
CORRECTED, TESTED, MOST_READ = 100, 500, 2_000
SIZE_PX, POINTS, GRID = 280, 150, 4

Images = NDArray[np.uint8]
Written = Iterator[tuple[Images, int]]


def write_digit(digit: int, font: bytes, random: np.random.Generator) -> Images:
    """Draw a digit as one person writes it, never twice the same; dark on light, ``(280, 280) uint8``."""
    face = ImageFont.truetype(io.BytesIO(font), int(POINTS * random.uniform(0.8, 1.2)))
    picture = Image.new("L", (SIZE_PX, SIZE_PX), 255)
    ImageDraw.Draw(picture).text((SIZE_PX / 2, SIZE_PX / 2), str(digit), fill=0, font=face, anchor="mm")
    pen = int(random.integers(0, 4))
    if pen:
        picture = picture.filter(ImageFilter.MinFilter(2 * pen + 1))
    return np.asarray(_bent(picture, random))


def _bent(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """Slant, stretch and bend a picture: the corners of a grid move, and what is between them follows."""
    step = SIZE_PX / GRID
    corners = np.stack(np.meshgrid(np.arange(GRID + 1), np.arange(GRID + 1)), axis=-1) * step
    centred = corners - SIZE_PX / 2
    slant, turn = random.uniform(-0.15, 0.15), random.uniform(-0.1, 0.1)
    matrix = np.array([[1, turn], [slant - turn, 1]]) * random.uniform(0.9, 1.1, 2)
    moved = centred @ matrix + SIZE_PX / 2 + random.normal(0, 5, corners.shape)
    mesh = [
        (
            (int(x * step), int(y * step), int((x + 1) * step), int((y + 1) * step)),
            tuple(np.concatenate([moved[y, x], moved[y + 1, x], moved[y + 1, x + 1], moved[y, x + 1]]).tolist()),
        )
        for y in range(GRID)
        for x in range(GRID)
    ]
    return picture.transform(picture.size, Image.Transform.MESH, mesh, Image.Resampling.BILINEAR, fillcolor=255)


def written(font: bytes, random: np.random.Generator) -> Written:
    """Yield digits of a hand as ``(28, 28) uint8`` and what they are, without end."""
    while True:
        digit = int(random.integers(10))
        try:
            yield to_digit(write_digit(digit, font, random)), digit
        except PictureError:
            continue


def posted(folder: Path, random: np.random.Generator) -> Written:
    """Yield digits of the Postal Service, in a random order."""
    from tests.usps import download, normalised, read

    pictures = next(read(download(folder)))
    for k in random.permutation(len(pictures.labels)):
        (image,) = normalised(pictures.images[k : k + 1])
        yield image, int(pictures.labels[k])


def reader_of(model: Path) -> Answerer:
    """Load a Keras model and what its history says of "no digit"."""
    from digitrec_edge.training.history import read_history
    from digitrec_edge.training.network import load, reference_logits

    history, network = read_history(model), load(model)
    assert history
    assert history.no_digit
    return Answerer(lambda images: reference_logits(network, images), history.no_digit.threshold)


def correct_unsure(base: Answerer, digits: Written, path: Path) -> tuple[int, int]:
    """Read what is written, keep what is unsure and correct it; returns how many were read and corrected."""
    rule, read, corrected = Keep.parse("unsure"), 0, 0
    with Collection(path) as collection:
        for image, truth in itertools.islice(digits, MOST_READ):
            read += 1
            kept = _answer(base, image)
            if rule.wants(kept):
                collection.correct(collection.keep(kept), truth, "somebody")
                corrected += 1
            if corrected == CORRECTED:
                break
    return read, corrected


def _answer(base: Answerer, image: Images) -> Kept:
    logits = base.logits(image[None])
    found, points = int(logits.argmax()), float(score(logits)[0])
    shares = np.exp(logits[0] - logits.max())
    return Kept(
        image=image,
        digit=found if points >= base.threshold else None,
        candidate=found,
        probability=float(shares.max() / shares.sum()),
        score=points,
        artifact_sha256="",
        time=utc_now(),
        source="another hand",
    )


def wrong(model: Answerer, digits: list[tuple[Images, int]]) -> tuple[int, int]:
    """Return how many of these are misread, and how many more are called no digit."""
    answers = model.answers(np.stack([image for image, _ in digits]))
    missed = int((answers == NONE).sum())
    return int((answers != [truth for _, truth in digits]).sum()) - missed, missed


def try_hand(base: Path, name: str, seed: int, folder: Path) -> str:
    """Let a model learn a hand; returns a line about it."""
    random = np.random.default_rng(seed)
    digits = posted(folder, random) if name == "usps" else written(font_of(name, folder), random)
    collection, learnt = folder / f"{name}.sqlite", folder / f"{name}.keras"
    before = reader_of(base)
    read, corrected = correct_unsure(before, digits, collection)
    command = ["train", "--base", str(base), "--data", str(collection), "--output", str(learnt), "--allow-worse"]
    said = subprocess.run([sys.executable, "-m", "digitrec_edge", *command], check=True, capture_output=True, text=True)
    print(said.stdout, flush=True)
    test = list(itertools.islice(digits, TESTED))
    (bad, none), (bad_now, none_now) = wrong(before, test), wrong(reader_of(learnt), test)
    passed = "ok" if "written all the same" not in said.stdout else "FAILED"
    return (
        f"{name}: {corrected} of {read} read digits corrected; of {len(test)} others misread {bad} -> {bad_now}, "
        f"called no digit {none} -> {none_now}; gate {passed}"
    )


def main() -> None:
    """Try some hands."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("base", type=Path)
    parser.add_argument("hands", nargs="*", default=HANDS)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print(f"what has a probability below {UNSURE_BELOW:g}, or is no digit, is corrected; seed {options.seed}")
    for name in options.hands:
        with tempfile.TemporaryDirectory() as folder:
            print(try_hand(options.base, name, options.seed, Path(folder)), flush=True)


if __name__ == "__main__":
    main()
