"""What watching costs on a Raspberry Pi: instructions per frame of one region, by what the frame shows.

``make pi-frames`` counts them, and fails when one is over what docs/watching.md says by more than 2 %.
"""

import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT))

from emulated_pi import counting  # noqa: E402
from emulated_pi.counting import Count, evaluate  # noqa: E402
from emulated_pi.installation import Installation  # noqa: E402
from emulated_pi.instructions import MOST_GROWTH  # noqa: E402
from emulated_pi.setups import COUNTED, installed  # noqa: E402
from tests.made_videos import make  # noqa: E402

DOCUMENT = ROOT / "docs" / "watching.md"
SCRIPT = Path(__file__).parents[1] / "on_board" / "count_frames.py"
SEED, FRAMES, RUNTIME = 4, 12, "native"
"""Of a video of five digits, 300 x 90 pixels with the room around them."""

ROWS = {
    "clear-5": "the number, with `--digits 5`",
    "clear-0": "the number, its count not known",
    "hand-5": "a hand before it, with `--digits 5`",
    "dark-5": "darkness",
}
"""Case -> row of the document."""


def cases() -> dict[str, NDArray[np.uint8]]:
    """Return frames of each case, cut to the region."""
    video = make(SEED)
    left, top, width, height = video.region
    cuts = np.stack([frame[top : top + height, left : left + width] for frame in video.frames])
    bright = cuts.mean(axis=(1, 2, 3))
    clear = cuts[[not bad for bad in video.disturbed]][:FRAMES]
    hand = cuts[[bool(bad and mean > 60) for bad, mean in zip(video.disturbed, bright, strict=True)]][:FRAMES]
    dark = cuts[bright < 15][:FRAMES]
    known = video.digits
    return {f"clear-{known}": clear, "clear-0": clear[:4], f"hand-{known}": hand, f"dark-{known}": dark}


def count_frames(installation: Installation, runtime: str) -> list[Count]:
    """Count what reading the region of a frame takes, for each case."""
    with tempfile.TemporaryDirectory() as scratch:
        archive, marks = Path(scratch) / "cases.npz", Path(scratch) / "marks"
        np.savez(archive, **cases())
        path = {"PYTHONPATH": f"{ROOT}:{installation.packages}"}
        lines = counting._run(installation, [str(SCRIPT), str(archive), runtime], marks, path)
        return evaluate(installation.machine.board.name, runtime, lines, marks.read_text())[0]


def stated(document: str) -> dict[str, int]:
    """Return the figures of a document, by case."""
    found = dict(re.findall(r"^\| (.+?) \| ([0-9,]+) \|$", document, re.MULTILINE))
    return {case: int(found[row].replace(",", "")) for case, row in ROWS.items()}


def grown(document: str, counts: Sequence[Count]) -> list[str]:
    """Return a line for each case that takes more instructions than a document says, by more than 2 %."""
    before, now = stated(document), {one.artifact: one.instructions for one in counts}
    return [
        f"{ROWS[case]}: {now[case]:,} instructions, {now[case] / before[case] - 1:+.1%} over {before[case]:,}"
        for case in ROWS
        if now[case] > before[case] * (1 + MOST_GROWTH)
    ]


def main() -> int:
    """Count on a Pi 4, whose instructions a Pi 5 runs, too; 1 when a case grew."""
    counts = count_frames(installed(COUNTED[0]), RUNTIME)
    for one in sorted(counts, key=lambda one: [*ROWS].index(one.artifact)):
        print(f"| {ROWS[one.artifact]} | {one.instructions:,} |")
    lines = grown(DOCUMENT.read_text(), counts)
    print("\n".join(lines) or f"none is over {DOCUMENT.relative_to(ROOT)} by more than {MOST_GROWTH:.0%}")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
