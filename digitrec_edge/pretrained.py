"""Where the pretrained artifacts lie that ship in the package."""

from pathlib import Path

FOLDER = Path(__file__).parent / "data" / "pretrained"
BY_FORMAT = {"tflite": FOLDER / "digitrec-int8.tflite", "onnx": FOLDER / "digitrec-int8.onnx"}
"""The int8 artifact per format, the first being the usual one."""

DEFAULT = BY_FORMAT["tflite"]
FLOAT32 = FOLDER / "digitrec-float32.tflite"
TINY = FOLDER / "digitrec-tiny.tflite"
"""int4, for microcontrollers with 16 KB of flash: a network of its own, see ``train --recipe tiny``."""

NAMED = {"pretrained": DEFAULT, "tiny": TINY}
"""What the command line calls them, where no file has such a name."""


def find(path: Path) -> Path:
    """Return the artifact that a path or a name of ``NAMED`` stands for."""
    return path if path.exists() else NAMED.get(str(path), path)
