"""The artifacts that the boards run: every variant for the newest runtimes, and those made for tflite-runtime."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from emulated_pi.locks import alone
from emulated_pi.userland import BUILD, remove_old

ROOT = Path(__file__).parents[3]
TARGETED = ("--target", "tflite-runtime", "--float32", "--int8-dynamic")


def export_all(model: Path, ready: Path | None = None) -> Path:
    """Return a folder with the artifacts of a Keras model and golden.npz; exported once per model and code.

    ``ready`` is a folder where ``export --all`` has put this model's artifacts already.
    """
    sources = sorted([*(ROOT / "digitrec_edge").rglob("*.py"), *(ROOT / "converters").rglob("*.py"), Path(__file__)])
    content = b"".join(path.read_bytes() for path in (*sources, ROOT / "constraints.txt", model))
    folder = BUILD / "artifacts" / hashlib.sha256(content).hexdigest()[:12]
    with alone(folder.parent / "export"):
        if not folder.exists():
            _export(model, ready, folder)
    return folder


def _export(model: Path, ready: Path | None, folder: Path) -> None:
    remove_old(folder.parent, "*")
    making = folder.with_name(".making")
    shutil.rmtree(making, ignore_errors=True)
    if ready:
        shutil.copytree(ready, making)
    for arguments in ((("--all",),) if not ready else ()) + (TARGETED,):
        command = [sys.executable, "-m", "digitrec_edge", "export", str(model), *arguments, "--output", str(making)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    for report in making.glob("*.json"):
        report.unlink()
    making.rename(folder)
