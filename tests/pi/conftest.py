"""Fixtures of the emulated boards."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from emulated_pi import needs
from emulated_pi.artifacts import export_all
from emulated_pi.installation import Installation
from emulated_pi.setups import SETUPS, Setup, installed


@pytest.fixture(scope="session", autouse=True)
def _emulation() -> None:
    lines = needs.missing()
    if lines:
        pytest.fail("the emulated Raspberry Pi needs: " + "; ".join(lines), pytrace=False)


@pytest.fixture(scope="session", params=SETUPS, ids=lambda setup: setup.name)
def setup(request: pytest.FixtureRequest) -> Setup:
    """Each tested board in turn."""
    chosen: Setup = request.param
    return chosen


@pytest.fixture(scope="session")
def pi_artifacts(trained: Path) -> Path:
    """The folder of the artifacts that boards run."""
    return export_all(trained / "model.keras", trained / "artifacts")


@pytest.fixture(scope="session")
def board(setup: Setup, pi_artifacts: Path) -> Installation:
    """The board with digitrec-edge, and the artifacts in ``artifacts/`` of its home folder."""
    installation = installed(setup)
    place(pi_artifacts, installation.machine.home / "artifacts", setup.answers)
    return installation


def place(source: Path, target: Path, names: Sequence[str]) -> None:
    """Make ``target`` a copy of these files of the folder ``source``, or of all, without what was there before."""
    target.mkdir(exist_ok=True)
    wanted = {*names} or {path.name for path in source.iterdir() if path.is_file()}
    for path in target.iterdir():
        if path.name not in wanted:
            path.unlink()
    for name in wanted:
        (target / name).write_bytes((source / name).read_bytes())
