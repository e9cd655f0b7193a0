"""digitrec_edge.cli.layout: tables of any width, in which nothing is cut; and those of every command."""

import ast
import fcntl
import os
import re
import struct
import sys
import termios
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks import document
from benchmarks.quality.corrupted import Corrupted, CorruptedResult, mean_of, worst_of
from benchmarks.quality.corruptions import CORRUPTIONS
from benchmarks.quality.no_digit import MARKS, MarksResult, Told
from benchmarks.quality.relearned import GUARDS, Held, Learnt, Relearned
from benchmarks.quality.robustness import TEST_SETS, Robustness, SetResult
from benchmarks.results.document import Result, Run
from digitrec_edge import cli, pretrained
from digitrec_edge.cli.benchmark import _show_all, show
from digitrec_edge.cli.benchmark_hosts import show_outcomes
from digitrec_edge.cli.collect import show as show_collection
from digitrec_edge.cli.deploy import _print_history
from digitrec_edge.cli.doctor import show as show_report
from digitrec_edge.cli.inspect import inspect
from digitrec_edge.cli.layout import Heading, lay_out
from digitrec_edge.cli.learning import show as show_relearned
from digitrec_edge.cli.program import program
from digitrec_edge.cli.robustness import RobustnessTables
from digitrec_edge.cli.robustness import show as print_robustness
from digitrec_edge.cli.train import _print_layers
from digitrec_edge.collection import Counts
from digitrec_edge.history import Event
from digitrec_edge.remote.fleet import Outcome
from tests.test_doctor import report

DATA = Path(__file__).parent / "data"
HEADINGS = (Heading("name"), Heading("bytes", right=True), Heading("time\nus", right=True), Heading("why"))
ROWS = (("one.tflite", "1,234,567", "12.5", "a long explanation of it"), ("五.onnx", "9", "1000.0", ""))


def widest(lines: list[str]) -> int:
    return max(map(len, lines))


def test_a_table_that_fits_is_a_table_with_numbers_to_the_right() -> None:
    lines = lay_out(HEADINGS, ROWS, 60)
    assert lines[0].split() == ["name", "bytes", "time", "why"]
    assert lines[1].strip() == "us"
    assert set(lines[2]) == {"─"}
    assert lines[3] == "one.tflite  1,234,567    12.5  a long explanation of it"
    assert lines[4] == "五.onnx             9  1000.0"  # the character takes two cells
    assert lay_out(HEADINGS, ROWS, None) == lines


def test_below_its_width_the_note_leaves_first_then_columns_as_stated_then_rows_are_stacked() -> None:
    whole = widest(lay_out(HEADINGS, ROWS, None))
    narrow = {width: lay_out(HEADINGS, ROWS, width, drop=("time\nus", "bytes"), note="why") for width in range(1, 60)}
    assert narrow[whole] == lay_out(HEADINGS, ROWS, None)
    notes = narrow[whole - 1]
    assert notes[0].split() == ["name", "bytes", "time"]
    assert notes[-1] == "one.tflite: a long explanation of it"  # and none for the row that has none
    assert narrow[29][0].split() == ["name", "bytes", "time"]
    assert narrow[28][0].split() == ["name", "bytes"]
    assert narrow[28][-1] == "Left out at this width: time us"
    assert narrow[20][0] == "name"
    assert narrow[20][-1] == "Left out at this width: time us; bytes"
    assert narrow[9] == [
        "name: one.tflite", "bytes: 1,234,567", "time us: 12.5", "why: a long explanation of it", "",
        "name: 五.onnx", "bytes: 9", "time us: 1000.0",
    ]  # fmt: skip


def test_without_rows_there_are_headings() -> None:
    assert len(lay_out(HEADINGS, (), 80)) == 3


def test_the_first_column_is_never_dropped() -> None:
    lines = lay_out(HEADINGS, ROWS, 25, drop=("name", "bytes", "time\nus", "why"))
    assert (lines[0], set(lines[1])) == ("name", {"─"})


Show = Callable[[], None]


@pytest.fixture(scope="module")
def tables(make_run: Callable[..., Run], make_result: Callable[..., Result]) -> dict[str, tuple[Show, list[str]]]:
    """Every command that prints a table: how, and what must be found on a terminal of any width."""
    results = [
        make_result("int8-dynamic-made-for-another", p50=4170.2),
        make_result("float32", "onnxruntime", p50=15.8, status="invalid", reasons=("noise",)),
        make_result("int4", "tflite-runtime", status="failed", reasons=("no kernel",), end_to_end=None),
    ]
    runs = [make_run(*results, device=name) for name in ("Raspberry Pi 5 Model B Rev 1.0", "Pi 4", "a third one")]
    old = DATA / "benchmark-1.json"
    sets = tuple(SetResult(one.name, 10_000, 0.97) for one in TEST_SETS)
    spoilt = tuple(CorruptedResult(one.name, 0.91, 0.987, 0.0456) for one in CORRUPTIONS)
    robust = RobustnessTables(
        [Robustness(f"digitrec-{k}", "litert", sets, 0.0123, 1.0) for k in range(3)],
        tuple(
            Corrupted(f"digitrec-{k}", "litert", "f", 10_000, spoilt, mean_of(spoilt), worst_of(spoilt))
            for k in range(3)
        ),
        [Told(5.25, 10_000, 0.99, tuple(MarksResult(one.name, 480, 0.0312, 0.9967) for one in MARKS))] * 3,
    )
    outcomes = [
        Outcome("pi@raspberrypi.local", document(runs[0])),
        Outcome("pi@other.local", None, error="no connection: it took longer than 10 s to answer"),
    ]
    counts = Counts(
        1234, 3, 0, 5_000_000, {"7": 1200, "no digit": 34}, {"1": 3}, {"camera": 1234}, {"a" * 64: 1231, "": 3}
    )
    event = Event(
        "2026-11-28T21:04:05Z", "refused", "digitrec-int8.tflite", "b" * 64, "int8", "me@desk", "a canary died"
    )
    verdict = Relearned(
        Learnt(37, 21, 29, 8, 0), tuple(Held(guard, 0.05 + k / 8, 0.04) for k, guard in enumerate(GUARDS))
    )
    layers = [
        SimpleNamespace(name=f"hidden_{k}", output=SimpleNamespace(shape=(None, 128)), count_params=lambda: 200_960)
        for k in range(3)
    ]
    return {
        "benchmark": (lambda: show(runs[0]), [word for r in results for word in (r.artifact, r.runtime)]),
        "benchmark of devices": (lambda: _show_all(document(*runs)), ["4170.2", "15.8", "INVALID"]),
        "compare": (
            lambda: program()(["compare", str(old), str(old)], standalone_mode=False),
            ["digitrec-int8.tflite", "same"],
        ),
        "inspect": (lambda: inspect(pretrained.DEFAULT, False, None), ["hidden_1/kernel", "200,704", "72.1%"]),
        "doctor": (lambda: show_report(report("works", "broken")), ["runtime-1", "broken"]),
        "robustness": (
            lambda: print_robustness(robust, ["a.tflite", "b.tflite", "c.onnx"]),
            ["97.00%", "0.0123", "canny edges", "91.00%", "98.70%", "0.0456", "worst"],
        ),
        "benchmark_hosts": (lambda: show_outcomes(outcomes), ["pi@other.local", "FAILED"]),
        "collect": (
            lambda: show_collection(counts, Path("all.sqlite")),
            ["no digit", "1,234", "camera", "none: imported"],
        ),
        "deploy": (lambda: _print_history("pi@other.local", [event]), ["refused", "digitrec-int8.tflite"]),
        "learning": (lambda: show_relearned(verdict), ["FAILED", "56.76%", "78.38%", "5.00%"]),
        "train": (lambda: _print_layers(SimpleNamespace(layers=layers)), ["hidden_2", "200,960"]),
    }


def on_terminal(width: int, print_it: Show, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return what is printed on a terminal of a width."""
    reader, writer = os.openpty()
    fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))
    output: list[bytes] = []

    def read() -> None:
        with os.fdopen(reader, "rb", buffering=0) as stream:
            while True:
                try:
                    output.append(stream.read(65536))
                except OSError:  # a terminal that nobody writes to any more
                    return

    thread = threading.Thread(target=read)
    thread.start()
    with monkeypatch.context() as patch, os.fdopen(writer, "w", encoding="utf-8") as stream:
        patch.setattr(sys, "stdout", stream)
        patch.delenv("COLUMNS", raising=False)
        print_it()
        stream.flush()
    thread.join()
    return b"".join(output).decode().replace("\r\n", "\n")


def words(text: str) -> set[str]:
    return {word.strip(":;") for word in text.split()}


NAMES = (
    "benchmark", "benchmark of devices", "compare", "inspect", "doctor", "robustness", "benchmark_hosts",
    "collect", "deploy", "learning", "train",
)  # fmt: skip


@pytest.mark.parametrize("width", [60, 80, 100, 160])
@pytest.mark.parametrize("name", NAMES)
def test_on_a_terminal_no_number_and_no_name_is_cut_and_no_table_is_wider(
    name: str,
    width: int,
    tables: dict[str, tuple[Show, list[str]]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_it, kept = tables[name]
    print_it()
    whole = capsys.readouterr().out
    text = on_terminal(width, print_it, monkeypatch)
    assert {word for word in words(text) if not set(word) <= {"─"}} <= words(whole) | set(
        "Left out at this width".split()
    )
    assert [word for word in kept if word not in text] == []
    for table in re.finditer(r"(?:.+\n)+─+\n(?:.+\n)*", text):
        assert max(map(len, table[0].splitlines())) <= width, table[0]


def test_a_pipe_has_every_column(tables: dict[str, tuple[Show, list[str]]], capsys: pytest.CaptureFixture[str]) -> None:
    for name, (print_it, _) in tables.items():
        print_it()
        text = capsys.readouterr().out
        assert "─" in text, name
        assert "Left out" not in text, name
    tables["benchmark"][0]()
    assert "peak MB" in capsys.readouterr().out


def test_every_module_that_prints_a_table_is_tested_here() -> None:
    callers = {
        path.stem
        for path in Path(cli.__file__).parent.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr == "print_table"
    }
    assert callers == {name.split()[0] for name in NAMES}
    drawn = [path.name for path in Path(cli.__file__).parent.glob("*.py") if "rich.table" in path.read_text()]
    assert drawn == []
