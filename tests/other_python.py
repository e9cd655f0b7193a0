"""Runs the device's tests on other Pythons: base + litert + onnx from the wheel, numpy 2, no TensorFlow.

``python tests/other_python.py 3.13 3.14`` looks for these Pythons, makes ``.venv-3.13`` and ``.venv-3.14`` and runs
pytest in one after the other. A Python that is not here is said and left out. With ``--brief`` only the newest that is
here runs, without what is the same on every Python.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
SAME_ON_EVERY_PYTHON = (
    "bom", "classify", "corrupted", "corruptions", "fuzz", "hostile_devices", "latency", "photographs", "pictures",
    "preprocess_frames", "preprocess_reading", "preprocess_segmentation", "preprocess_sheets", "preprocess_stages",
    "preprocess_touching", "remote_exchange", "robustness", "statistics", "told", "watched", "web_preprocess",
)  # fmt: skip
"""Test modules of arithmetic, of waiting and of the campaigns, which take half of the time."""

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


def build_wheel(folder: Path) -> Path:
    """Build the wheel of this checkout."""
    shutil.rmtree(ROOT / "build" / "lib", ignore_errors=True)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    (wheel,) = folder.glob("*.whl")
    return wheel


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


def run_tests(tools: Path, left_out: tuple[str, ...]) -> int:
    """Run the device's tests in an environment."""
    command = [str(tools / "pytest"), "-q", "-m", "not desktop and not checkout"]
    command += [f"--ignore=tests/test_{module}.py" for module in left_out] + ["--ignore=tests/web"]  # no Python
    environment = {**os.environ, "DIGITREC_DESKTOP_PYTHON": sys.executable}
    return subprocess.run(command, cwd=ROOT, env=environment).returncode


def main(versions: list[str], brief: bool) -> int:
    """Test on these Pythons; 1 when any test failed."""
    found = {version: find_python(version) for version in versions}
    for version in (version for version, python in found.items() if not python):
        print(f"python{version} was not found: the device's tests do NOT run on Python {version}")
    here = [(version, python) for version, python in found.items() if python]
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        wheel = build_wheel(Path(folder)) if here else None
        for version, python in here[-1:] if brief else here:
            assert wheel
            tools = make_environment(python, ROOT / f".venv-{version}", wheel)
            print(f"the device's tests on Python {version}:", flush=True)
            failed |= run_tests(tools, NEED_THE_CHECKOUT + SAME_ON_EVERY_PYTHON * brief) != 0
    return int(failed)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("versions", nargs="+", help="such as 3.13, the newest last")
    parser.add_argument("--brief", action="store_true")
    options = parser.parse_args()
    sys.exit(main(options.versions, options.brief))
