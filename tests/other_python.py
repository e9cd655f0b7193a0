"""Runs the device's tests on another Python: base + litert + onnx from the wheel, numpy 2, no TensorFlow.

``python tests/other_python.py 3.13`` looks for that Python, makes ``.venv-3.13`` and runs pytest there.
Where there is no such Python it says so and succeeds.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
SAME_ON_EVERY_PYTHON = ("photographs", "latency", "fuzz", "statistics", "preprocess_stages", "preprocess_segmentation")
"""Test modules of arithmetic and timing alone, which take half of the time; they run with the main Python."""

NEED_THE_CHECKOUT = ("docs", "training_speed")
"""Test modules of what no wheel holds."""


def find_python(version: str) -> str | None:
    """Return a working interpreter of that version: on the PATH, or kept by pyenv."""
    found = [shutil.which(f"python{version}")]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found += [str(path) for path in sorted(pyenv.glob(f"{version}.*/bin/python"))]
    for python in found:
        if python and subprocess.run([python, "-c", "import venv, ensurepip"], capture_output=True).returncode == 0:
            return python
    return None


def make_environment(python: str, folder: Path, wheel: Path) -> Path:
    """Make a virtual environment with the wheel and its device side; returns its bin folder."""
    constraints = ["-c", str(ROOT / "constraints.txt")]
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    if not (folder / "bin" / "python").exists():
        subprocess.run([python, "-m", "venv", str(folder)], check=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "-q", *constraints]
    tests = ["pytest", "hypothesis", "jsonschema", "cyclonedx-python-lib[json-validation]"]
    subprocess.run([*pip, f"{wheel}[litert,onnx,sign]", *tests], check=True, env=environment)
    subprocess.run([*pip, "--force-reinstall", "--no-deps", str(wheel)], check=True, env=environment)
    return folder / "bin"


def main(version: str) -> int:
    """Test on that Python."""
    python = find_python(version)
    if python is None:
        print(f"python{version} was not found: the device's tests did NOT run on Python {version}")
        return 0
    dist = ROOT / "build" / "dist-test"
    for stale in (dist, ROOT / "build" / "lib"):
        shutil.rmtree(stale, ignore_errors=True)
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(dist), str(ROOT)]
    subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
    (wheel,) = dist.glob("*.whl")
    tools = make_environment(python, ROOT / f".venv-{version}", wheel)
    print(f"the device's tests on Python {version}:", flush=True)
    command = [str(tools / "pytest"), "-q", "-m", "not desktop and not checkout"]
    command += [f"--ignore=tests/test_{module}.py" for module in (*SAME_ON_EVERY_PYTHON, *NEED_THE_CHECKOUT)]
    environment = {**os.environ, "DIGITREC_DESKTOP_PYTHON": sys.executable}
    return subprocess.run(command, cwd=ROOT, env=environment).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
