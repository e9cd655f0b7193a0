"""Hostile devices: each ends in one line that names it, and the good one's results are kept."""

import dataclasses
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from benchmarks.measure.latency import EFFORTS
from benchmarks.request import BenchmarkRequest
from benchmarks.results.document import Document, from_json
from digitrec_edge.cli import terminal
from digitrec_edge.cli.benchmark_hosts import benchmark_on
from digitrec_edge.errors import RemoteError
from digitrec_edge.remote import exchange, fleet, messages, resolve, ssh, venv
from digitrec_edge.remote.fleet import FleetJob, Outcome, measure_hosts, name_devices
from digitrec_edge.remote.measured import expect
from digitrec_edge.remote.ssh import Connection
from tests import hostile_devices
from tests.hostile_answers import GOOD, KINDS
from tests.hostile_devices import LIMIT_BYTES, prepare

REQUEST = BenchmarkRequest(("digits.tflite",), ("litert",), threads=(1, 2), effort="quick")
SHORT = [
    "bad_json", "nothing", "endless_line", "endless_stderr", "silence", "results_zero_interval", "facts_odd_libc",
    "traceback_on_stderr", "escape_sequences", "results_many_values",
]  # fmt: skip
"""What a run of the command line meets in every ``make test``; the others are met in the process of the tests."""


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a program in the place of ssh."""
    folder = tmp_path_factory.mktemp("hostile")
    prepare(folder)
    return folder


@pytest.fixture
def job(scene: Path, monkeypatch: pytest.MonkeyPatch) -> FleetJob:
    monkeypatch.setenv("PATH", f"{scene}:/usr/bin:/bin")
    for module, name in (
        (exchange, "SILENCE_S"),
        (ssh, "PATIENCE_S"),
        (venv, "pack_wheel"),
        (resolve, "constraint_lines"),
    ):
        monkeypatch.setattr(module, name, getattr(module, name))  # to be restored
    hostile_devices.hurry()
    monkeypatch.setattr(exchange, "SILENCE_S", 5.0)  # the good one's processes start within that
    monkeypatch.setattr(messages, "MESSAGES_LIMIT", 10_000)
    monkeypatch.setattr(ssh, "ANSWER_BYTES", 4 << 20)
    monkeypatch.setattr(fleet, "FILE_BYTES", 4 << 20)
    return FleetJob((scene / "digits.tflite",), (), REQUEST, (), keep=False, clean=False, limit_s=120.0)


def test_a_run_beside_hostile_devices_keeps_what_the_good_one_brought(scene: Path) -> None:
    met = hostile_devices.meet(scene, [f"{name}-1" for name in SHORT])
    assert {name: met[name] for name in ("tracebacks", "crashes", "lost", "unclear", "well")} == {
        "tracebacks": 0, "crashes": 0, "lost": 0, "unclear": [], "well": [],
    }, met["stderr"]  # fmt: skip
    assert met["bytes"] < LIMIT_BYTES
    from_json((scene / "result.json").read_bytes())


@pytest.mark.parametrize("part", [3])  # of six; the campaign meets them all
def test_a_hostile_answer_is_one_line_about_its_device(job: FleetJob, part: int) -> None:
    names = [f"{name}-2" for name in [*KINDS][part::6] if name not in (*SHORT, "mutated")]
    outcomes = measure_hosts([*names, GOOD], job)
    for outcome in outcomes[:-1]:
        assert outcome.error, outcome.host
        assert outcome.measured is None
        assert "\n" not in outcome.error
        assert len(outcome.error) < 1000
        assert "unexpected" not in outcome.error, outcome
    assert outcomes[-1].error == ""
    assert outcomes[-1].measured


def test_results_are_given_away_as_they_come(job: FleetJob) -> None:
    given: list[list[str]] = []

    def keep(outcomes: Sequence[Outcome]) -> None:
        given.append([outcome.host for outcome in outcomes if outcome.measured])

    start = time.monotonic()
    measure_hosts(["silence-1", GOOD], job, on_outcome=keep)
    assert time.monotonic() - start < 60
    assert given[-1] == [GOOD]
    assert len(given) == 2


def test_results_are_on_disk_before_anything_is_drawn(job: FleetJob, scene: Path) -> None:
    happened: list[str] = []

    def draw(document: Document) -> None:
        happened.append("drawn")
        raise ArithmeticError("math domain error")

    with pytest.raises(ArithmeticError):
        benchmark_on(
            [GOOD, "bad_json-1"], dataclasses.replace(REQUEST, artifacts=(str(scene / "digits.tflite"),)), extras=(),
            keep=False, clean=False, timeout_s=120, write=lambda document: happened.append("written"), show=draw,
        )  # fmt: skip
    assert happened[0] == "written"
    assert happened[-2:] == ["written", "drawn"]


def test_an_error_of_ours_about_one_device_is_its_own(job: FleetJob, monkeypatch: pytest.MonkeyPatch) -> None:
    examine = Connection.examine

    def fail(self: Connection, paths: Sequence[str] = ()) -> Any:
        return examine(self, paths) if self.host == GOOD else dict[str, Any]()["none"]

    monkeypatch.setattr(Connection, "examine", fail)
    bad, good = measure_hosts(["other", GOOD], job)
    assert bad.error == "unexpected KeyError: \"'none'\"; please report this"
    assert good.measured


def test_a_connection_that_never_opens_ends(scene: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client = tmp_path / "ssh"
    client.write_text('#!/bin/sh\ncase "$*" in *"-O check"*) exit 1;; esac\nexec sleep 600\n')
    client.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(ssh, "OPEN_LIMIT_S", 1.0)
    with pytest.raises(RemoteError, match="^pi: no connection within 1 s$"), Connection("pi", 60):
        pass


def test_a_client_that_floods_standard_error_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client = tmp_path / "ssh"
    client.write_text('#!/bin/sh\ncase "$*" in *"-O check"*) exit 1;; esac\nexec cat /dev/zero >&2\n')
    client.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(RemoteError, match="more than 1,048,576 bytes on standard error"), Connection("pi", 60):
        pass


@pytest.mark.parametrize("devices", [("a", "a"), ("a", "a", "a (h1)"), ("a (h1)", "a"), ("a (h0)", "a (h0)", "a")])
def test_no_two_devices_have_the_same_name_in_a_document(devices: Sequence[str], scene: Path) -> None:
    one = from_json((scene / "document.json").read_bytes())
    outcomes = [
        Outcome(f"h{k}", dataclasses.replace(one, runs=(dataclasses.replace(one.runs[0], device=name),)))
        for k, name in enumerate(devices)
    ]
    named = [run.device for outcome in name_devices(outcomes) if outcome.measured for run in outcome.measured.runs]
    assert len(set(named)) == len(devices)


def test_results_in_which_no_case_was_measured_are_kept_and_are_a_failure(job: FleetJob, scene: Path) -> None:
    document = json.loads((scene / "document.json").read_text())
    for result in document["runs"][0]["results"]:
        nothing = dict.fromkeys(("quality", "starts", "invoke", "end_to_end", "memory"))
        result.update(nothing, status="failed", reasons=["no such runtime"])
    whole = (scene / "document.json").read_bytes()
    (scene / "document.json").write_text(json.dumps(document))
    try:
        (outcome,) = measure_hosts([GOOD], job)
    finally:
        (scene / "document.json").write_bytes(whole)
    assert outcome.measured
    assert outcome.error == "no case could be measured; the table says why"


def test_results_are_kept_where_what_was_sent_cannot_be_removed(job: FleetJob, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Connection, *paths: str) -> None:
        raise RemoteError(f"{self.host}: no permission")

    monkeypatch.setattr(Connection, "remove", refuse)
    (outcome,) = measure_hosts([GOOD], job)
    assert outcome.measured
    assert outcome.error == "what was sent is still there: no permission"


def test_what_is_expected_of_a_device_is_what_it_would_plan(scene: Path) -> None:
    expected = expect(REQUEST, [scene / "digits.tflite"])
    assert expected.keys == {("digits.tflite", "litert", threads, 1) for threads in (1, 2)}
    good = from_json((scene / "document.json").read_bytes())
    expected.check(good)
    run = dataclasses.replace(good.runs[0], effort=EFFORTS["strict"])
    with pytest.raises(ValueError, match="it is another run: effort 'strict' with seed 0"):
        expected.check(dataclasses.replace(good, runs=(run,)))


def test_a_file_that_is_named_is_asked_for_whatever_its_name_is(scene: Path, tmp_path: Path) -> None:
    current = tmp_path / "current"
    current.symlink_to(scene / "digits.tflite")
    assert expect(REQUEST, [current]).keys == {("current", "litert", threads, 1) for threads in (1, 2)}


def test_words_of_a_device_are_no_markup_in_a_progress_line() -> None:
    with terminal.status_lines() as bar:
        bar.add_task("pi: [/bold] [red]x", total=None)
        console = Console(width=200)
        with console.capture() as shown:
            console.print(bar.get_renderable())
    assert "pi: [/bold] [red]x" in shown.get()


def test_a_campaign_counts_what_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    met = {"tracebacks": 0, "crashes": 0, "lost": 1, "unclear": ["a"], "well": [], "seconds": 1.0, "bytes": 1 << 20}
    monkeypatch.setattr(hostile_devices, "prepare", lambda folder: None)
    monkeypatch.setattr(hostile_devices, "meet", lambda folder, hosts: met)
    figures = hostile_devices.campaign(12, 3)
    assert (figures["devices"], figures["lost"], figures["unclear"], len(figures["failures"])) == (12, 2, 2, 2)
    assert not hostile_devices.passed(figures)
    assert hostile_devices.passed({**figures, "lost": 0, "unclear": 0})
