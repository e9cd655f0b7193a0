"""A short run of the mutation fuzzer; and the fuzzer itself can fail."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from digitrec_edge import artifact
from digitrec_edge.errors import DamagedError
from runtimes import RUNTIMES, load

MUTANTS = 60
NAMES = ("digitrec-int8.tflite", "digitrec-int8.onnx", "digitrec-int8.ort")


def import_fuzz() -> Any:
    spec = importlib.util.spec_from_file_location("fuzz", Path(__file__).with_name("fuzz.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["fuzz"] = module
    spec.loader.exec_module(module)
    return module


fuzz = import_fuzz()


@pytest.fixture
def campaign(artifacts: Path) -> Any:
    return fuzz.Campaign(artifacts / NAMES[0], ".tflite", "litert", mode="carded", seed=0)


def worker(folder: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Let the children run a changed worker: ``load`` and ``base`` are there to be used by the code."""
    path = folder / "worker.py"
    path.write_text(
        f"import os, sys, time\nsys.path.insert(0, {str(Path(fuzz.__file__).parent)!r})\nimport fuzz, runtimes\n"
        f"from pathlib import Path\nbase, real = Path(sys.argv[2]), runtimes.load\n"
        f"def damaged(path):\n    return Path(path).read_bytes() != base.read_bytes()\n"
        f"{code}\nruntimes.load = load\nfuzz.work(base, sys.argv[3], sys.argv[4], int(sys.argv[5]), sys.argv[6])\n"
    )
    monkeypatch.setattr(fuzz, "__file__", str(path))


@pytest.mark.parametrize("name", NAMES)
def test_no_mutant_crashes_hangs_or_is_answered_from_when_it_has_a_card(
    artifacts: Path, tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_bytes((artifacts / name).read_bytes())
    (tmp_path / "scratch").mkdir()
    found = fuzz.campaigns(tmp_path, tmp_path / "scratch", seed=1)
    able = [row.name for row in RUNTIMES if row.installed and row.runs(name.rsplit(".")[-1])]
    assert [(entry.runtime, entry.mode) for entry in found] == [(n, mode) for n in able for mode in fuzz.MODES]
    for entry in found:
        outcomes, failures = fuzz.run(entry, range(MUTANTS))
        assert failures == []
        assert sum(outcomes.values()) == MUTANTS
        assert outcomes["refused"] > MUTANTS * (0.9 if entry.mode == "carded" else 0.2)
        if entry.mode != "carded":
            assert outcomes["answered"] > 0  # or nothing of what lies behind the checks was tried


def test_a_foreign_file_has_neither_card_nor_mark_and_runs(artifacts: Path, tmp_path: Path) -> None:
    for name in NAMES:
        path = tmp_path / name
        path.write_bytes(fuzz.foreign(artifacts / name))
        assert artifact.read(path).card is None
        with load(path) as foreign, load(artifacts / name) as ours:
            image = np.full((28, 28), 99, np.uint8)
            assert np.array_equal(foreign.logits(image), ours.logits(image))


@pytest.mark.parametrize("name", NAMES)
def test_a_resealed_artifact_has_a_seal_and_a_card_that_fit(artifacts: Path, tmp_path: Path, name: str) -> None:
    found = artifact.read(artifacts / name)
    assert fuzz.reseal(artifacts / name, found.payload) == found.data
    changed = bytearray(found.payload)
    changed[len(changed) // 2] ^= 1  # a weight
    (tmp_path / name).write_bytes(fuzz.reseal(artifacts / name, bytes(changed)))
    again = artifact.read(tmp_path / name)
    assert again.payload == changed
    assert again.card is not None


def test_short_files_are_damaged_like_long_ones() -> None:
    for size in (1, 6, 35):
        mutants = {fuzz.mutate(bytes(range(size)), 0, number) for number in range(400)}
        assert len(mutants) > 20


def test_a_mutant_is_the_same_for_the_same_seed_and_number() -> None:
    data = bytes(range(256)) * 200
    mutants = [fuzz.mutate(data, 3, number) for number in range(200)]
    assert mutants == [fuzz.mutate(data, 3, number) for number in range(200)]
    assert mutants != [fuzz.mutate(data, 4, number) for number in range(200)]
    assert len(set(mutants)) > 170
    assert sum(mutant != data for mutant in mutants) > 170
    assert {len(mutant) < len(data) for mutant in mutants} == {True, False}


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("def load(path, runtime):\n    return real(base, runtime)", "failed: answered from a damaged file"),
        (
            "def load(path, runtime):\n    if damaged(path): os.abort()\n    return real(path, runtime)",
            "failed: died with -6",
        ),
        (
            "def load(path, runtime):\n    if damaged(path): os._exit(3)\n    return real(path, runtime)",
            "failed: died with 3",
        ),
        (
            "def load(path, runtime):\n    if damaged(path): raise KeyError('unforeseen')\n"
            "    return real(path, runtime)",
            "failed: KeyError 'unforeseen'",
        ),
    ],
    ids=["answers from damaged files", "crashes", "ends", "raises what is none of our errors"],
)
def test_the_fuzzer_can_fail(
    campaign: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, reason: str
) -> None:
    worker(tmp_path, monkeypatch, code)
    outcomes, failures = fuzz.run(campaign, range(5, 6))
    assert outcomes == {"failed": 1}
    assert failures == [f"{NAMES[0]} litert carded mutant 5: {reason}"]


def test_a_hang_is_a_failure(campaign: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    worker(
        tmp_path, monkeypatch,
        "def load(path, runtime):\n    if damaged(path): time.sleep(600)\n    return real(path, runtime)",
    )  # fmt: skip
    monkeypatch.setattr(fuzz, "TIMEOUT_S", 0.5)
    outcomes, failures = fuzz.run(campaign, range(1))
    assert outcomes == {"failed": 1}
    assert failures == [f"{NAMES[0]} litert carded mutant 0: failed: no answer within 0 s"]


def test_a_good_file_that_is_not_answered_is_a_failure(
    campaign: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker(tmp_path, monkeypatch, "def load(path, runtime):\n    raise fuzz.np.exceptions.AxisError('no')")
    _, failures = fuzz.run(campaign, range(0))
    (failure,) = failures
    assert "the undamaged file: failed: AxisError" in failure


def test_the_program_ends_with_1_when_something_failed(
    artifacts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / NAMES[0]).write_bytes((artifacts / NAMES[0]).read_bytes())
    monkeypatch.setattr(sys, "argv", ["fuzz.py", str(tmp_path), "--count", "2", "--match", "digitrec-int8"])
    monkeypatch.setattr(fuzz, "run", lambda campaign, numbers: (fuzz.Outcomes(failed=1), ["mutant 1: failed"]))
    assert fuzz.main() == 1
    assert "mutant 1: failed" in capsys.readouterr().out
    monkeypatch.setattr(fuzz, "run", lambda campaign, numbers: (fuzz.Outcomes(refused=len(numbers)), []))
    assert fuzz.main() == 0
    assert "2 refused" in capsys.readouterr().out


def test_damage_is_what_the_campaign_finds(artifacts: Path, tmp_path: Path) -> None:
    path = tmp_path / NAMES[0]
    whole = (artifacts / NAMES[0]).read_bytes()
    changed = [mutant for k in range(20) if (mutant := fuzz.mutate(whole, 0, k)) not in (whole, b"")]
    refused = 0
    for mutant in changed:
        path.write_bytes(mutant)
        try:
            artifact.read(path)
        except DamagedError:
            refused += 1
    assert refused == len(changed) > 15
