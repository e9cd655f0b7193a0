"""Hostile data files: benchmark documents, training histories and cards with values that nothing can be computed with.

``python tests/hostile_documents.py --count 1000 --seed 7`` changes true files by chance, in their values or in their
bytes, and prints one line of figures. A file passes when its reader refuses it in one line, or when everything that
shows it works: tables, CSV, Markdown, verdict, comparison; with ``--draw`` the report's figures, too.
"""

import argparse
import contextlib
import dataclasses
import io
import json
import random
import resource
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data"
LIMIT_S, LIMIT_BYTES = 5.0, 300 << 20
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2, 1e-300, 1e300, -1e300, 10**18, 10**400, -(10**400), 0.0, -0.0, "", "x", "x" * 5000,
    "$x^2$", "$", "\x1b[2J", "\n", "\u202e", "\x00", "1", "NaN", [], [0], [0, 0], [1e308, 1e308], [[]], {}, {"a": 1},
    [0.0] * 101, [1e12] * 101, [1.0] * 10,
)  # fmt: skip
TOKENS = (
    b"NaN",
    b"Infinity",
    b"-Infinity",
    b"1e999",
    b"-1e999",
    b"9" * 5000,
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b'"\\ud800"',
)

Random = random.Random


def mutate(text: bytes, chance: Random) -> bytes:
    """Change a JSON text: a value, a key, or some bytes."""
    way = chance.randrange(10)
    if way < 7:
        document = json.loads(text)
        for _ in range(chance.choice([1, 1, 1, 2, 4])):
            _change(document, chance)
        return json.dumps(document).encode()
    if way == 7:
        at = chance.choice([k for k, byte in enumerate(text) if byte in b"0123456789"])
        return text[:at] + chance.choice(TOKENS) + text[at + 1 :]
    if way == 8:
        at = text.index(b'"', chance.randrange(len(text) // 2))
        return text[:at] + text[at : text.find(b",", at) + 1] + text[at:]
    data = bytearray(text)
    for _ in range(chance.choice([1, 2, 8])):
        data[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(data[: chance.choice([len(data), chance.randrange(len(data))])])


def _change(document: Any, chance: Random) -> None:
    spots: list[tuple[Any, Any]] = []
    waiting = [document]
    while waiting:
        inner = waiting.pop()
        keys = list(inner) if isinstance(inner, dict) else range(len(inner))
        spots += [(inner, key) for key in keys]
        waiting += [inner[key] for key in keys if isinstance(inner[key], dict | list) and inner[key]]
    # a field is as likely as another, however long the lists in it are
    fields = [spot for spot in spots if isinstance(spot[0], dict)] or spots
    inner, key = chance.choice(fields if chance.random() < 0.8 else spots)
    if isinstance(inner, dict) and chance.random() < 0.1:
        del inner[key]
    elif isinstance(inner, list) and chance.random() < 0.3:
        inner[:] = inner * chance.choice([0, 2])
    else:
        alike = [value for value in VALUES if type(value) is type(inner[key])]
        inner[key] = chance.choice(alike if alike and chance.random() < 0.7 else VALUES)


@dataclasses.dataclass(frozen=True)
class Source:
    """A kind of file: a true one, what reads it, and what shows what was read."""

    true: bytes
    read: Callable[[bytes], Any]
    show: Callable[[Any, bool], None]


def _show_benchmark(found: Any, draw: bool) -> None:
    from benchmarks.results.comparison import compare_documents
    from benchmarks.results.document import from_json
    from benchmarks.results.tables import devices_table, to_csv, to_markdown
    from digitrec_edge.cli.benchmark import show
    from digitrec_edge.errors import BenchmarkError

    true = from_json((DATA / "benchmark-2.json").read_bytes())
    assert from_json(found.to_json()) == found
    to_csv(found)
    to_markdown(found)
    devices_table(found)
    with contextlib.redirect_stdout(io.StringIO()):
        for run in found.runs:
            show(run)
    for pair in ((found, true), (true, found)):
        for force in (False, True):
            with contextlib.suppress(BenchmarkError):  # nothing to compare
                [str(row) for row in compare_documents(*pair, force=force)]
    if draw:
        from digitrec_edge.report.latency import draw_latency
        from digitrec_edge.report.sections import _machine, _speed
        from digitrec_edge.report.tradeoff import draw_tradeoff

        for run in found.runs:
            _machine(run)
            _speed(run, draw_tradeoff(run, "a"), draw_latency(run, "b"))


def _show_history(history: Any, draw: bool) -> None:
    history.recipe.summary()
    if draw:
        from digitrec_edge.report.learning import draw_learning

        draw_learning(history)


def _show_card(card: Any, draw: bool) -> None:
    from digitrec_edge.artifact.card import Card

    assert Card.from_json(card.to_json()) == card


def sources() -> dict[str, Source]:
    """The kinds of files."""
    from benchmarks.results.document import from_json
    from digitrec_edge import artifact
    from digitrec_edge.artifact.card import Card
    from digitrec_edge.records import load_json
    from digitrec_edge.training.history import parse_history

    def read_history(text: bytes) -> Any:
        return parse_history(load_json(text))

    card = artifact.read(DATA / "card-1.tflite").card
    assert card
    older = (DATA / "history-2.json").read_bytes()
    history = json.dumps(dataclasses.asdict(read_history(older))).encode()
    return {
        "benchmark": Source((DATA / "benchmark-2.json").read_bytes(), from_json, _show_benchmark),
        "history": Source(history, read_history, _show_history),
        "older history": Source(older, read_history, _show_history),
        "card": Source(card.to_json(), Card.from_json, _show_card),
    }


def attempt(text: bytes, source: Source, *, draw: bool = False) -> str:
    """Return ``read``, ``refused``, or ``failed: ...``."""
    from digitrec_edge.errors import DigitrecError

    try:
        found = source.read(text)
    except (DigitrecError, ValueError) as error:
        return "refused" if len(str(error)) < 500 and "\n" not in str(error) else f"failed: {error!r}"
    except Exception:  # noqa: BLE001  (whatever else comes is what this looks for)
        return f"failed: {traceback.format_exc(limit=-3)}"
    try:
        source.show(found, draw)
    except Exception:  # noqa: BLE001
        return f"failed: {traceback.format_exc(limit=-3)}"
    return "read"


def campaign(count: int, seed: int, *, draw: bool = False) -> dict[str, Any]:
    """Try so many files; returns figures and what failed."""
    totals: Counter[str] = Counter(read=0, refused=0, failed=0)
    failures, slowest = [], 0.0
    true = sources()
    for k in range(count):
        name = [*true][k % len(true)]
        mutant = mutate(true[name].true, Random(f"{seed} {k}"))
        start = time.monotonic()
        outcome = attempt(mutant, true[name], draw=draw)
        slowest = max(slowest, time.monotonic() - start)
        totals[outcome.partition(":")[0]] += 1
        if outcome.startswith("failed"):
            failures.append(f"{name} {k}: {outcome}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    return {
        "files": count, "seed": seed, **totals, "slowest_s": round(slowest, 2), "peak_mb": peak, "failures": failures,
    }  # fmt: skip


def main() -> int:
    """Run the campaign and print one line of figures; 1 when anything failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--draw", action="store_true", help="draw figures of what is read, too")
    options = parser.parse_args()
    figures = campaign(options.count, options.seed, draw=options.draw)
    for failure in figures.pop("failures"):
        print(failure)
    print("hostile documents:", ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in figures.items()))
    return int(bool(figures["failed"]) or figures["slowest_s"] > LIMIT_S or figures["peak_mb"] > LIMIT_BYTES >> 20)


if __name__ == "__main__":
    sys.exit(main())
