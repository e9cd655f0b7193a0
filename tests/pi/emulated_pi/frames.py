"""What watching costs on a Raspberry Pi: instructions per frame of one region, by what the frame shows.

``PYTHONPATH=tests/pi python -m emulated_pi.frames`` prints a table; the figures are in docs/watching.md.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT))

from emulated_pi import counting  # noqa: E402
from emulated_pi.counting import Count, evaluate  # noqa: E402
from emulated_pi.installation import Installation  # noqa: E402
from emulated_pi.setups import COUNTED, installed  # noqa: E402
from tests.made_videos import make  # noqa: E402

SCRIPT = Path(__file__).parents[1] / "on_board" / "count_frames.py"
SEED, FRAMES, RUNTIME = 4, 12, "native"
"""Of a video of five digits, 300 x 90 pixels with the room around them."""


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


def main() -> None:
    """Count on a Pi 4, whose instructions a Pi 5 runs, too."""
    for one in count_frames(installed(COUNTED[0]), RUNTIME):
        print(f"{one.board} {one.runtime} {one.artifact}: {one.instructions:,} instructions")


if __name__ == "__main__":
    main()
