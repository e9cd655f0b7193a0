"""Makes the pictures of README.md: a simulated photograph of a test digit, and all stages of reading it.

``python docs/site/readme_pictures.py`` writes them into docs/images and prints what ``predict`` says.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "images"
PHOTOGRAPH, STRIP = "nine.jpg", "explain.png"
DIGIT, SCALE = 7, 0.5


def photograph() -> bytes:
    """Return the photograph, a JPEG file's bytes."""
    from digitrec_edge import mnist
    from tests import photographs

    return photographs.make(mnist.load("test").images, DIGIT, scale=SCALE)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / PHOTOGRAPH).write_bytes(photograph())
    command = [sys.executable, "-m", "digitrec_edge", "predict", PHOTOGRAPH, "--explain", STRIP]
    subprocess.run(command, cwd=FOLDER, check=True)
