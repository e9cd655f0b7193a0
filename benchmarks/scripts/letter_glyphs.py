"""Draw the letters that ``robustness`` measures "no digit" with: glyphs of handwriting fonts, read as any picture is.

``python -m benchmarks.scripts.letter_glyphs [--set testing]``: gets each font from npm's ``@fontsource/NAME`` with
``npm pack``, draws every letter large, dark on light, and brings it to 28 x 28 pixels. The set ``choosing`` has other
fonts: what is chosen is chosen by it. All fonts of both are under the SIL Open Font License 1.1, which leaves what is
drawn with them free; the fonts themselves are not kept.

``--measure ARTIFACT`` writes nothing and tells how many letters the artifact takes for digits, font by font. For this
there is also ``further``, five times as many fonts, of which nothing is kept: fonts differ more than letters of one do.
"""

import argparse
import io
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from benchmarks.quality.no_digit import GLYPHS, auroc
from digitrec_edge import mnist
from digitrec_edge.errors import PictureError
from digitrec_edge.files import write_file
from digitrec_edge.no_digit import score
from digitrec_edge.npz import write_arrays
from digitrec_edge.preprocess import to_digit
from runtimes import load

FONTS = {
    "choosing": (
        "architects-daughter", "cedarville-cursive", "covered-by-your-grace", "gaegu", "handlee", "indie-flower",
        "kalam", "neucha", "over-the-rainbow", "reenie-beanie", "schoolbell", "sue-ellen-francisco",
    ),
    "testing": (
        "caveat", "coming-soon", "crafty-girls", "gloria-hallelujah", "homemade-apple", "just-another-hand",
        "la-belle-aurore", "nothing-you-could-do", "patrick-hand", "rock-salt", "shadows-into-light",
        "waiting-for-the-sunrise",
    ),
    "further": (
        "amatic-sc", "babylonica", "bad-script", "beth-ellen", "calligraffitti", "caveat-brush", "chilanka",
        "comforter-brush", "comic-neue", "cookie", "damion", "dancing-script", "dawning-of-a-new-day",
        "dekko", "delicious-handrawn", "delius", "edu-nsw-act-foundation", "edu-sa-beginner",
        "edu-tas-beginner", "edu-vic-wa-nt-beginner", "gamja-flower", "give-you-glory", "gochi-hand",
        "itim", "just-me-again-down-here", "klee-one", "kristi", "liu-jian-mao-cao", "long-cang",
        "loved-by-the-king", "ma-shan-zheng", "mali", "mansalva", "marck-script", "merienda",
        "mr-de-haviland", "mynerve", "nanum-pen-script", "norican", "pangolin", "patrick-hand-sc",
        "permanent-marker", "playpen-sans", "poor-story", "rancho", "rouge-script", "satisfy",
        "sedgwick-ave", "short-stack", "single-day", "sriracha", "stalemate", "swanky-and-moo-moo",
        "the-girl-next-door", "vibur", "walter-turncoat", "waterfall", "yellowtail", "yomogi", "zeyada",
        "zhi-mang-xing",
    ),
}  # fmt: skip
LETTERS = "ACDEFGHJKLMNPQRTUVWXYabcdefhjkmnprtuvwxy"
"""Without those that many people write like a digit, and without i, whose dot is lost as a speck would be."""

SIZE_PX, POINTS = 280, 140


def font_of(name: str, folder: Path) -> bytes:
    """Return a font's file, of its regular weight and Latin letters."""
    command = ["npm", "pack", "--silent", f"@fontsource/{name}"]
    package = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.split()[-1]
    with tarfile.open(folder / package) as archive:
        stream = archive.extractfile(f"package/files/{name}-latin-400-normal.woff")
        if stream is None:
            raise FileNotFoundError(f"@fontsource/{name} has no regular Latin font")
        return stream.read()


def glyphs(font: bytes) -> list[NDArray[np.uint8]]:
    """Return a font's letters as ``(28, 28) uint8``; one that cannot be read as a picture is left out."""
    face, found = ImageFont.truetype(io.BytesIO(font), POINTS), []
    for letter in LETTERS:
        picture = Image.new("L", (SIZE_PX, SIZE_PX), 255)
        ImageDraw.Draw(picture).text((SIZE_PX / 2, SIZE_PX / 2), letter, fill=0, font=face, anchor="mm")
        try:
            found.append(to_digit(np.asarray(picture)))
        except PictureError as error:
            print(f"{letter}: {error}")
    return found


def draw(name: str) -> Iterator[tuple[str, list[NDArray[np.uint8]]]]:
    """Yield the fonts of a set, each with its letters."""
    with tempfile.TemporaryDirectory() as folder:
        for font in FONTS[name]:
            yield font, glyphs(font_of(font, Path(folder)))


def measure(artifact: Path, fonts: Iterable[tuple[str, list[NDArray[np.uint8]]]]) -> None:
    """Print the share of each font's letters that an artifact takes for digits, and of all of them."""
    with load(artifact) as model:
        of_digits = score(model.logits(mnist.load("test").images))
        thresholds = np.array([model.threshold, np.quantile(of_digits, 0.01)])
        scores = []
        for font, images in fonts:
            scores.append(score(model.logits(np.stack(images))))
            print(f"{font}: {(scores[-1] >= model.threshold).mean():.1%} of {len(images)}")
    every = np.concatenate(scores)
    by_card, by_share = (every[:, None] >= thresholds).mean(axis=0)
    print(
        f"all {len(every):,}: {by_card:.2%}; where 99 % of the test digits are kept {by_share:.2%}; "
        f"AUROC {auroc(of_digits, every):.4f}"
    )


def main() -> None:
    """Draw a set, and write it or measure an artifact with it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--set", choices=FONTS, default="testing")
    to = parser.add_mutually_exclusive_group()
    to.add_argument("--output", type=Path, default=GLYPHS)
    to.add_argument("--measure", type=Path, metavar="ARTIFACT")
    options = parser.parse_args()
    if options.measure:
        measure(options.measure, draw(options.set))
        return
    images = [image for _, letters in draw(options.set) for image in letters]
    write_file(options.output, write_arrays({"images": np.stack(images)}, level=9))
    print(f"{options.output}: {len(images)} glyphs")


if __name__ == "__main__":
    main()
