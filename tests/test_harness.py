"""benchmarks.harness: rounds, what is kept when something goes wrong, and the plan of cases."""

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import Effort, Step, plan, run
from benchmarks.measure import isolation
from benchmarks.measure.affinity import choose_cpus
from benchmarks.measure.cases import Case
from benchmarks.measure.memory import Memory
from benchmarks.measure.samples import pack, unpack
from benchmarks.measure.tasks import Packed, Round
from digitrec_edge import pretrained
from digitrec_edge.errors import BenchmarkError, InputError

TINY = Effort("tiny", 2, warmup_calls=1, warmup_ms=0, calls=10, measure_ms=0, cold_starts=1)


@pytest.fixture
def case(tmp_path: Path) -> Case:
    shutil.copy(pretrained.DEFAULT, tmp_path)
    return Case(str(tmp_path / pretrained.DEFAULT.name), "litert")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Stands in for the child processes and keeps what they were asked."""
    questions: list[tuple[str, str]] = []

    def fake_round(case: Case, effort: Effort, images: Path, number: int) -> Round:
        questions.append((f"round {number}", case.label))
        packed = Packed(pack(np.arange(1000, 1400)), 10, (1.0, 1.1))
        return Round((1,), "1.2.3", 5.0, 6.0, 100.0, packed, packed)

    def fake_memory(case: Case) -> Memory:
        questions.append(("memory", case.label))
        return Memory(2, 1)

    def fake_cold_start(case: Case, picture: Path) -> float:
        assert picture.exists()
        questions.append(("cold start", case.label))
        return 400.0

    monkeypatch.setattr(isolation, "measure_round", fake_round)
    monkeypatch.setattr(isolation, "measure_memory", fake_memory)
    monkeypatch.setattr(isolation, "measure_cold_start", fake_cold_start)
    return questions


def test_every_round_takes_every_case_once_in_an_order_of_its_own(case: Case, asked: list[tuple[str, str]]) -> None:
    cases = [dataclasses.replace(case, threads=threads) for threads in range(1, 7)]
    done = run(cases, dataclasses.replace(TINY, rounds=4, cold_starts=0))
    rounds = [[label for what, label in asked if what == f"round {k}"] for k in range(4)]
    assert all(sorted(labels) == sorted(one.label for one in cases) for labels in rounds)
    assert len({tuple(labels) for labels in rounds}) > 1
    first_of_next = [asked.index((f"round {k}", rounds[k][0])) for k in range(1, 4)]
    last_of_this = [max(asked.index((f"round {k}", label)) for label in rounds[k]) for k in range(3)]
    assert all(last < first for last, first in zip(last_of_this, first_of_next, strict=True))
    assert [result.threads for result in done.results] == [1, 2, 3, 4, 5, 6]
    assert len(done.conditions) == 5


def test_a_case_that_dies_in_a_round_is_a_reason_and_the_others_go_on(
    case: Case, asked: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = isolation.measure_round

    def fails_for_two_threads(case: Case, *rest: Any) -> Round:
        if case.threads == 2:
            raise BenchmarkError("the process died of SIGILL")
        return whole(case, *rest)

    monkeypatch.setattr(isolation, "measure_round", fails_for_two_threads)
    one, two = run([case, dataclasses.replace(case, threads=2)], TINY).results
    assert one.status == "ok"
    assert one.end_to_end
    assert (two.status, two.reasons) == ("failed", ("the process died of SIGILL",))
    assert two.end_to_end is None


def test_a_case_whose_memory_fails_takes_no_other_with_it(
    case: Case, asked: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails_for_two_threads(case: Case) -> Memory:
        if case.threads == 2:
            raise BenchmarkError("the process died of SIGKILL")
        return Memory(2, 1)

    monkeypatch.setattr(isolation, "measure_memory", fails_for_two_threads)
    results = run([dataclasses.replace(case, threads=threads) for threads in (2, 1, 3)], TINY).results
    assert [result.status for result in results] == ["failed", "ok", "ok"]


def test_a_cold_start_needs_no_digit_in_the_data_set(case: Case, tmp_path: Path) -> None:
    blank = tmp_path / "blank.npz"
    nothing, labels = np.zeros((600, 28, 28), np.uint8), np.arange(600, dtype=np.uint8) % 10
    np.savez(blank, x_train=nothing, y_train=labels, x_test=nothing, y_test=labels)
    (done,) = run([dataclasses.replace(case, data=str(blank))], TINY).results
    assert done.starts
    assert len(done.starts.cold_start_ms) == 1


def test_an_interruption_keeps_the_finished_rounds(
    case: Case, asked: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, calls = isolation.measure_round, 0

    def interrupted_at_the_fourth(*arguments: Any) -> Round:
        nonlocal calls
        calls += 1
        if calls == 4:
            raise KeyboardInterrupt
        return whole(*arguments)

    monkeypatch.setattr(isolation, "measure_round", interrupted_at_the_fourth)
    cases = [case, dataclasses.replace(case, batch=2)]
    done = run(cases, dataclasses.replace(TINY, rounds=5))
    assert done.interrupted
    assert sorted(len(result.end_to_end.round_p50_us) for result in done.results if result.end_to_end) == [1, 2]


def test_an_interruption_before_the_first_round_skips_the_case(
    case: Case, asked: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*arguments: Any) -> Round:
        raise KeyboardInterrupt

    monkeypatch.setattr(isolation, "measure_round", interrupted)
    done = run([case], TINY)
    assert done.interrupted
    assert done.results[0].status == "skipped"
    assert done.results[0].quality


def test_the_progress_reaches_its_end(case: Case, asked: list[tuple[str, str]]) -> None:
    steps: list[Step] = []
    run([case, dataclasses.replace(case, runtime="onnxruntime")], TINY, on_step=steps.append)
    assert [step.done for step in steps] == list(range(len(steps)))
    assert steps[-1].done + 1 == steps[-1].total
    assert "cold start" in {word for step in steps for word in [step.text.partition(": ")[2][:10]]}


def test_samples_are_kept_on_request(case: Case, asked: list[tuple[str, str]]) -> None:
    without, kept = (run([case], TINY, keep_samples=keep).results[0].invoke for keep in (False, True))
    assert without
    assert without.raw is None
    assert kept
    assert kept.raw
    assert np.array_equal(unpack(kept.raw[1]), np.arange(1000, 1400))


def test_one_case_for_real(case: Case) -> None:
    done = run([dataclasses.replace(case, threads=1, batch=3)], TINY, device="here", seed=3)
    (result,) = done.results
    assert done.device == "here"
    assert result.invoke
    assert result.end_to_end
    assert result.end_to_end.samples >= 20
    assert len(result.end_to_end.round_p50_us) == 2
    assert result.quality
    assert result.quality.accuracy > 0.9
    assert result.quality.note == "no golden.npz beside the artifact"
    assert result.starts
    assert len(result.starts.import_ms) == len(result.starts.load_ms) == len(result.starts.first_us) == 2
    assert len(result.starts.cold_start_ms) == 1
    assert result.memory
    assert result.memory.peak_bytes > result.memory.before_bytes > 0
    assert result.cpus == choose_cpus(1)


def test_a_case_that_cannot_run_says_why(case: Case) -> None:
    (result,) = run([dataclasses.replace(case, runtime="onnxruntime")], TINY).results
    assert result.status == "failed"
    assert "onnxruntime does not run .tflite files" in result.reasons[0]


def test_nothing_to_measure_is_an_error() -> None:
    with pytest.raises(BenchmarkError, match="nothing to measure"):
        run([], TINY)


def test_a_batch_larger_than_the_test_set_is_refused(case: Case) -> None:
    with pytest.raises(BenchmarkError, match="batch is 20000; the test set has 10000 images"):
        run([dataclasses.replace(case, batch=20_000)], TINY)


def test_a_plan_pairs_artifacts_with_runtimes_threads_and_batches(case: Case) -> None:
    folder = Path(case.artifact).parent
    assert [one.runtime for one in plan([folder])] == ["litert", "tflite-runtime", "native"]
    grid = plan([folder], ["litert"], threads=[1, 2], batches=[1, 32])
    assert [(one.threads, one.batch) for one in grid] == [(1, 1), (1, 32), (2, 1), (2, 32)]
    assert plan([folder], ["litert"], variants=["int8"])
    with pytest.raises(BenchmarkError, match="no artifact of variant 'float16'; there are int8"):
        plan([folder], variants=["float16"])
    with pytest.raises(InputError, match="no runtime is called 'tensorrt'; choose from litert"):
        plan([folder], ["tensorrt"])
    with pytest.raises(BenchmarkError, match="no such file or folder"):
        plan([folder / "absent"])
    (folder / "empty").mkdir()
    with pytest.raises(BenchmarkError, match="no artifacts in"):
        plan([folder / "empty"])


def test_golden_logits_beside_the_artifact_are_found(case: Case) -> None:
    folder = Path(case.artifact).parent
    assert plan([folder])[0].golden is None
    (folder / "golden.npz").touch()
    assert plan([folder])[0].golden == str(folder / "golden.npz")
