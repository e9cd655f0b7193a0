"""Draw the letters that ``robustness`` measures "no digit" with: glyphs of handwriting fonts, read as any picture is.

``python benchmarks/scripts/letter_glyphs.py [--set testing]``: gets each font from npm's ``@fontsource/NAME`` with
``npm pack``, draws every letter large, dark on light, and brings it to 28 x 28 pixels. All fonts are under the SIL Open
Font License 1.1, which leaves what is drawn with them free; the fonts themselves are not kept. The set ``choosing`` has
other fonts: what is chosen is chosen by it.
"""

import argparse
import io
import subprocess
import tarfile
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from benchmarks.quality.no_digit import GLYPHS
from digitrec_edge.errors import PictureError
from digitrec_edge.files import write_file
from digitrec_edge.npz import write_arrays
from digitrec_edge.preprocess import to_digit

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


def main() -> None:
    """Draw a set, and write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--set", choices=FONTS, default="testing")
    parser.add_argument("--output", type=Path, default=GLYPHS)
    options = parser.parse_args()
    images: list[NDArray[np.uint8]] = []
    with tempfile.TemporaryDirectory() as folder:
        for name in FONTS[options.set]:
            images += glyphs(font_of(name, Path(folder)))
            print(f"{name}: {len(images)} glyphs")
    write_file(options.output, write_arrays({"images": np.stack(images)}, level=9))


if __name__ == "__main__":
    main()
