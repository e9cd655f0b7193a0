"""Pictures read and printed, one after another or in several processes: ``predict`` without its options."""

import gc
import io
import math
import sys
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitrec_edge import pretrained
from digitrec_edge.cli import terminal
from digitrec_edge.cli.pictures import Named
from digitrec_edge.frozen import Frozen
from runtimes.table import AUTO

if TYPE_CHECKING:
    from digitrec_edge.recognition import How, Recognition
    from runtimes import Model

ALONE_S = 1.0
"""Starting a process and loading the model there takes 0.4 s, which must not be spent on what is read in less."""


class Form(Frozen):
    """In which form answers are given.

    Attributes:
        explain: the picture file that the stages are drawn into; None for none.
        as_json: as one JSON list.
        as_lines: as a line of JSON each.
    """

    explain: Path | None = None
    as_json: bool = False
    as_lines: bool = False


PLAIN = Form()


def read_and_print(
    named: list[Named],
    artifact: Path | None = None,
    runtime: str = AUTO,
    threads: int = 1,
    how: "How | None" = None,
    form: Form = PLAIN,
    jobs: int | None = None,
) -> int:
    """Read pictures and print what was read on each.

    Args:
        named: the pictures.
        artifact: of the model; None is the pretrained one.
        runtime: its name, or ``auto``.
        threads: that the runtime may use.
        how: pictures are read; None is the usual way.
        form: of the answers.
        jobs: processes that read; None is one per core, where it takes long.

    Returns:
        The exit status: 1 where a picture was refused or holds no digit.
    """
    terminal.hold_native_output()
    from digitrec_edge.recognition import How
    from runtimes import load

    with load(artifact or default_artifact(runtime), runtime, threads) as loaded:
        gc.freeze()
        gc.enable()
        print(f"{loaded.artifact.name} on {loaded.runtime} {loaded.runtime_version}", file=sys.stderr)
        tally = _Tally(len(named), beside_lines=not form.as_json)
        asked = _Asked(loaded.artifact.path, loaded.runtime, threads, how or How())
        with closing(_read_all(loaded, named, asked, form.explain, jobs)) as results:
            _print_all(tally.counted(results), form)
    if len(named) > 1:
        print(tally.summary(), file=sys.stderr)
    return int(bool(tally.refused or tally.no_digit))


class _Asked(Frozen):
    """What reads pictures, in each process: the artifact, the name of its runtime, and how."""

    artifact: Path
    runtime: str
    threads: int
    how: "How"


class _Tally:
    """What was read of so many pictures, and how long it took."""

    def __init__(self, pictures: int, *, beside_lines: bool) -> None:
        self._counter = terminal.Counter(pictures, "pictures", beside_lines=beside_lines)
        self._start = time.perf_counter()
        self.pictures = self.digits = self.no_digit = self.refused = 0

    def counted(self, results: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Pass results on; between them a terminal shows how many there were."""
        try:
            self._counter.show(0)
            for result in results:
                self.pictures += 1
                self.refused += "error" in result
                if "error" not in result:
                    answers = result.get("digits", [result])
                    accepted = sum(answer["digit"] is not None for answer in answers)
                    self.digits += accepted
                    self.no_digit += len(answers) - accepted
                self._counter.clear()
                yield result
                self._counter.show(self.pictures)
        finally:
            self._counter.clear()

    def summary(self) -> str:
        seconds = time.perf_counter() - self._start
        none = f"{self.no_digit} no digit, " if self.no_digit else ""
        pictures, digits = terminal.counted(self.pictures, "picture"), terminal.counted(self.digits, "digit")
        return f"{pictures}: {digits} read, {none}{self.refused} refused, {seconds:.1f} s"


def _read_all(
    model: "Model", named: list[Named], asked: _Asked, explain: Path | None, jobs: int | None
) -> Generator[dict[str, Any], None, None]:
    """Yield what was read on each picture; of one that cannot be read, why.

    Processes that were asked for are started at once, else after ``ALONE_S`` seconds of reading without them.
    """
    from digitrec_edge.cli.cores import usable_cores

    read_here = partial(_read_or_refuse, model, asked.how, explain)
    processes = jobs or (usable_cores() if len(named) > 1 else 1)
    alone_s = math.inf if processes == 1 else ALONE_S if jobs is None else 0.0
    start = time.perf_counter()
    for place, one in enumerate(named):
        left = len(named) - place
        if left > 1 and time.perf_counter() - start >= alone_s:
            from digitrec_edge.cli.reading_many import Readers

            with Readers(min(processes, left), _reader, (asked,), read_here) as readers:
                yield from readers.read(named[place:])
            return
        yield read_here(one)


@contextmanager
def _reader(asked: _Asked) -> "Iterator[Callable[[Named], dict[str, Any]]]":
    """Load the model in a process of its own, and give what reads a picture there."""
    from runtimes import load

    with load(asked.artifact, asked.runtime, asked.threads) as model:
        yield partial(_read_or_refuse, model, asked.how, None)


def _read_or_refuse(model: "Model", how: "How", explain: Path | None, one: Named) -> dict[str, Any]:
    from digitrec_edge.errors import PictureError

    try:
        return _read(model, one, how, explain)
    except PictureError as error:
        return {"picture": one.name, "error": str(error)}


def _print_all(results: Iterator[dict[str, Any]], form: Form) -> None:
    if form.as_json:
        terminal.print_json_list(results)
    elif form.as_lines:
        terminal.print_json_lines(results)
    else:
        for result in results:
            _print(result)


def default_artifact(runtime: str) -> Path:
    """Return the pretrained artifact of the first format that the runtime, or any installed one, runs."""
    from runtimes import RUNTIMES

    for name, path in pretrained.BY_FORMAT.items():
        rows = (row for row in RUNTIMES if row.runs(name))
        if any(runtime == row.name or (runtime == AUTO and row.installed) for row in rows):
            return path
    return pretrained.DEFAULT


def _read(model: "Model", one: Named, how: "How", explain: Path | None) -> dict[str, Any]:
    """Find and read the digits of one picture; the stages that were reached are drawn even when there is no answer."""
    from digitrec_edge.recognition import recognise

    found = recognise(model, one.name, one.read, how)
    if explain:
        _explain(found, explain)
    return found.as_json()


def _explain(found: "Recognition", path: Path) -> None:
    from PIL import Image

    from digitrec_edge.files import write_file
    from digitrec_edge.preprocess.explain import draw_strip

    stream = io.BytesIO()
    probabilities = [answer.probabilities for answer in found.answers]
    strip = draw_strip(found.stages, probabilities, found.model.labels, found.accepted)
    strip.save(stream, Image.registered_extensions()[path.suffix.lower()])
    write_file(path, stream.getvalue())


def _print(result: dict[str, Any]) -> None:
    if "error" in result:
        print(f"digitrec-edge: {terminal.escaped(result['error'])}", file=sys.stderr)
        return
    name = terminal.escaped(result["picture"])
    latency = (
        f"latency {result['latency_us']:.0f} us of the model, {result['file_to_digit_ms']:.1f} ms from file to digit"
    )
    if "text" in result:
        print(f"{name}: {result['text']}  {latency}", flush=True)
        for digit in result["digits"]:
            left, top, right, bottom = digit["box"]
            print(f"  {_answer(digit)}  box {left},{top} to {right},{bottom}", flush=True)
    else:
        print(f"{name}: {_answer(result)}  {latency}", flush=True)
    if result["turned"]:
        print(f"  ({_turn_note(result)})", flush=True)


def _turn_note(result: dict[str, Any]) -> str:
    side = "upside down" if result["turned"] == 180 else "on its side"
    clockwise = "" if result["turned"] == 180 else " clockwise"
    what = f"it would be a {result['turned_label']}" if result["turned_label"] else "its digits would be read"
    return f"turned by {result['turned']} degrees{clockwise} {what}, more surely: is the picture {side}?"


def _answer(result: dict[str, Any]) -> str:
    if result["digit"] is None:
        return f"no digit (most like {result['candidate']})  score {result['score']:.2f}"
    unsure = f"unsure, perhaps {result['label']}" if result["unsure"] else result["label"]
    return f"{unsure}  probability {result['probability']:.1%}"
