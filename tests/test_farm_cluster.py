"""Dask does the parts: each once, whatever dies; and what cannot be reached is told in bounded time."""

import os
import pickle
import socket
import time
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from digitrec_edge import mnist, pretrained
from digitrec_edge.errors import DataError, DigitrecError, OutputError
from runtimes import load

pa = pytest.importorskip("pyarrow", reason="the extra dask is not installed")

import dask  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402
from distributed import LocalCluster  # noqa: E402

from digitrec_edge.farm import Reader, cluster, kinds  # noqa: E402
from digitrec_edge.farm.cluster import local_cluster, remote_cluster, run  # noqa: E402
from digitrec_edge.farm.inputs import Input, find_tables, plan_tables  # noqa: E402
from digitrec_edge.farm.output import Manifest, Tally, begin  # noqa: E402
from digitrec_edge.farm.parts import InputPart  # noqa: E402
from digitrec_edge.farm.work import Work  # noqa: E402

STUB = """
import os, signal, time
from dataclasses import dataclass
from pathlib import Path
from digitrec_edge.errors import DataError, OutputError
from digitrec_edge.farm.work import Work

class DiesOnce(Work):
    # Of part 3, after its answers are computed and before they are a file.
    def _answers(self, part):
        yield from super()._answers(part)
        if part.number == 3 and not (self.output.parent / "died").exists():
            (self.output.parent / "died").touch()
            os.kill(os.getpid(), signal.SIGKILL)

class Dies(Work):
    def _answers(self, part):
        if part.number == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        yield from super()._answers(part)

class Fails(Work):
    def __call__(self, part):
        if part.number == 1:
            raise DataError("part 1 is broken")
        if part.number == 3:
            raise OutputError("the disk is full")
        return super().__call__(part)

class Lacks(Work):
    def __call__(self, part):
        raise ModuleNotFoundError("No module named 'digitrec_edge.farm'")
"""


@pytest.fixture
def stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Kinds of work that fail; processes that are spawned find the module, too."""
    (tmp_path / "stub_of_farm.py").write_text(STUB)
    monkeypatch.syspath_prepend(tmp_path)
    return import_module("stub_of_farm")


@pytest.fixture
def reader() -> Iterator[Reader]:
    with load(pretrained.DEFAULT, "native") as model:
        yield Reader(model.origin)


def pictures_of(outcomes: Iterable[Tally | DataError]) -> int:
    return sum(tally.pictures for tally in outcomes if isinstance(tally, Tally))


def plan(
    reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, images: Any, rows: int
) -> tuple[Input, Manifest]:
    monkeypatch.setattr(kinds, "BYTES_PER_PART", rows)
    np.save(tmp_path / "digits.npy", images)
    found = find_tables(tmp_path / "digits.npy")
    assert found
    given = plan_tables(tmp_path / "digits.npy", *found, reader)
    manifest = Manifest.of(given, reader, "digitrec-int8")
    begin(tmp_path / "out", manifest, given.parts)
    return given, manifest


def test_a_killed_worker_costs_no_row_and_doubles_none(
    stub: Any, reader: Reader, mnist_test: mnist.Digits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """20,000 digits in 20 parts; then a part that kills every process is named, and none is left."""
    images = np.concatenate([mnist_test.images, mnist_test.images[::-1]])
    given, manifest = plan(reader, tmp_path, monkeypatch, images, 1000)
    with dask.config.set({"distributed.scheduler.allowed-failures": 1}), local_cluster(2) as workers:
        work = stub.DiesOnce.of(given, reader, tmp_path / "out", manifest)
        outcomes = dict(run(workers, work, given.parts))
        assert (tmp_path / "died").exists()
        answers = pq.read_table(tmp_path / "out")
        assert pictures_of(outcomes.values()) == len(answers) == 20_000
        assert sorted(outcomes, key=lambda part: part.number) == list(given.parts)
        assert answers["row"].to_pylist() == list(range(20_000))
        with load(pretrained.DEFAULT, "native") as model:
            expected = [model.labels[digit] for digit in model.predict(images).digits]
        assert answers["candidate"].to_pylist() == expected
        deadly = stub.Dies.of(given, reader, tmp_path / "out", manifest)
        with pytest.raises(DigitrecError, match=r"part-000003\.parquet ends every process .*rows 3,000 to 3,999 of"):
            dict(run(workers, deadly, given.parts))
        pids = list(workers.client.run(os.getpid).values())
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]


@pytest.fixture
def threads() -> Iterator[Any]:
    """A scheduler at an address, with one worker in this process."""
    with LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, protocol="tcp://", host="127.0.0.1", dashboard_address=None
    ) as made:
        yield made


def test_a_scheduler_by_its_address(
    stub: Any, threads: Any, reader: Reader, mnist_test: mnist.Digits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A part that cannot be read is told and the others go on; what is not of one part ends the run."""
    given, manifest = plan(reader, tmp_path, monkeypatch, mnist_test.images[:100], 50)
    with remote_cluster(threads.scheduler_address) as workers:
        assert workers.cores == 1
        work = Work.of(given, reader, tmp_path / "out", manifest)
        assert pictures_of(tally for _, tally in run(workers, work, given.parts)) == 100
        assert len(pq.read_table(tmp_path / "out")) == 100
        failing = stub.Fails.of(given, reader, tmp_path / "out", manifest)
        (first, whole), (_, broken) = sorted(run(workers, failing, given.parts), key=lambda pair: pair[0].number)
        assert isinstance(whole, Tally)
        assert isinstance(broken, DataError)
        assert str(broken) == "part 1 is broken"
        many = [InputPart(k, first.source, 0, 1) for k in range(5)]
        with pytest.raises(OutputError, match="the disk is full"):
            list(run(workers, failing, many))
        lacking = stub.Lacks.of(given, reader, tmp_path / "out", manifest)
        with pytest.raises(DigitrecError, match=r"the workers of tcp://.* lack digitrec-edge with its extra dask: No"):
            list(run(workers, lacking, given.parts))


def test_parts_are_given_away_in_bounded_number(threads: Any) -> None:
    given: list[int] = []

    def parts() -> Iterator[InputPart]:
        for number in range(50):
            given.append(number)
            yield InputPart(number, "x", 0, 1)

    with remote_cluster(threads.scheduler_address) as workers:
        for done, (_, tally) in enumerate(run(workers, lambda part: Tally(part.number), parts()), 1):
            assert isinstance(tally, Tally)
            assert len(given) <= done + cluster.AHEAD
    assert done == 50


def test_a_scheduler_that_does_not_answer_is_told_in_bounded_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "WAIT_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        addresses = [f"tcp://127.0.0.1:{silent.getsockname()[1]}", "tcp://127.0.0.1:1", "nonsense://x", "", "tcp://[::"]
        for address in addresses:
            with (
                pytest.raises(DigitrecError, match=r"^no Dask scheduler answers at .*: \S") as raised,
                remote_cluster(address),
            ):
                pass
            assert "\n" not in str(raised.value)


def test_a_scheduler_without_workers_is_told(threads: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "WAIT_S", 0.5)
    threads.scale(0)
    threads.sync(threads._correct_state)
    with (
        pytest.raises(DigitrecError, match=r"has no workers: dask worker tcp://"),
        remote_cluster(threads.scheduler_address),
    ):
        pass


def test_a_scheduler_that_is_lost_is_told(threads: Any) -> None:
    with remote_cluster(threads.scheduler_address) as workers:
        outcomes = run(workers, _slow, (InputPart(k, "x", 0, 1) for k in range(10_000)))  # more than there is time for
        next(outcomes)
        threads.close()
        with pytest.raises(DigitrecError, match=r"the connection to tcp://.* was lost; the same command goes on"):
            list(outcomes)


def _slow(part: InputPart) -> Tally:
    time.sleep(0.2 * (part.number > 0))
    return Tally(1)


def test_what_is_sent_to_a_cluster_is_small(reader: Reader, tmp_path: Path) -> None:
    work = Work(reader, "numpy", tmp_path, tmp_path, "0" * 64, pa.schema([]))
    assert len(pickle.dumps(work)) < 4000
    assert isinstance(pickle.loads(pickle.dumps(work)), Work)
