"""The table of instruction counts: measured, saved, printed, written to the docs, held against the accepted one.

``python -m emulated_pi.instructions`` measures and prints; with ``--accept`` the figures become those that
later ones are held against, and the table in the docs is written anew.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from PIL import Image

from digitrec_edge import mnist
from digitrec_edge.files import write_file
from emulated_pi.artifacts import export_all
from emulated_pi.counting import Count, cold_start, count
from emulated_pi.setups import COUNTED, STARTED, installed
from emulated_pi.userland import BUILD
from tests.conftest import make_artifacts

ROOT = Path(__file__).parents[3]
ACCEPTED = Path(__file__).parents[1] / "instructions.json"
MEASURED = BUILD / "instructions.json"
DOCUMENT = ROOT / "docs" / "instructions.md"
MOST_GROWTH = 0.02
CALLS = ("invoke", "classify", "public idiom", "noise")
START = "a whole predict / cold start"


@dataclass(frozen=True)
class Table:
    """Figures by :attr:`Count.key`, and what the runtimes refuse."""

    figures: dict[str, int]
    refused: dict[str, str]


def measure(artifacts: Path, boards: Sequence[str] = ("pi2", "pi4", "pi5")) -> Table:
    """Count every artifact in every runtime on these boards."""
    figures: dict[str, int] = {}
    refused: dict[str, str] = {}
    for setup in COUNTED:
        if setup.board.name in boards:
            for runtime in setup.runtimes:
                counts, refusals = count(installed(setup), artifacts, runtime)
                figures |= {each.key: each.instructions for each in counts}
                for artifact, reason in refusals.items():
                    key = Count(setup.board.name, runtime, artifact, "invoke", 0, 0.0).key
                    refused[key] = reason.replace(f"{ROOT}/", "")
    for setup in STARTED:
        if setup.board.name in boards:
            key = f"{setup.board.name} / {setup.runtimes[0]} / {START}"
            figures[key] = cold_start(installed(setup), _picture(), setup.runtimes[0])
    return Table(figures, refused)


def _picture() -> Path:
    """Draw a digit, dark on white, as a PNG file."""
    path = BUILD / "picture.png"
    Image.fromarray(255 - mnist.load("test").images[0]).resize((200, 200)).save(path)
    return path


def regressions(accepted: dict[str, int], measured: dict[str, int]) -> list[str]:
    """Return one line for each figure that grew by more than 2 %, is new, or is gone."""
    lines = []
    for key in sorted(accepted.keys() | measured.keys()):
        before, now = accepted.get(key), measured.get(key)
        if now is None:
            lines.append(f"{key}: was not measured; it had {before:,} instructions")
        elif before is None:
            lines.append(f"{key}: {now:,} instructions, and no accepted figure; type: make pi-instructions-accept")
        elif now > before * (1 + MOST_GROWTH):
            lines.append(f"{key}: {now:,} instructions, {now / before - 1:+.1%} over the accepted {before:,}")
    return lines


def accepted() -> dict[str, int]:
    """Return the accepted figures."""
    figures: dict[str, int] = json.loads(ACCEPTED.read_text())["figures"]
    return figures


def table_lines(table: Table) -> list[str]:
    """Return the table in Markdown: a row per artifact, runtime and board."""
    lines = [
        "| board | runtime | artifact | invoke alone | classify | idiom of public examples | classify, noise |",
        "| --- | --- | --- | ---: | ---: | ---: | ---: |",
    ]
    calls = [key for key in (*table.figures, *table.refused) if not key.endswith(START)]
    rows = sorted({key.rpartition(" / ")[0] for key in calls})
    for row in rows:
        cells = [table.figures.get(f"{row} / {call}") for call in CALLS]
        absent = "" if any(cells) else "refused"
        numbers = " | ".join(absent if cell is None else f"{cell:,}" for cell in cells)
        lines.append(f"| {row.replace(' / ', ' | ')} | {numbers} |")
    return lines


def start_lines(table: Table) -> list[str]:
    """Return the table of whole commands in Markdown: a row per runtime and board."""
    starts = {tuple(key.split(" / ")[:2]): count for key, count in table.figures.items() if key.endswith(START)}
    lines = ["| board | runtime | from the start of Python to the answer |", "| --- | --- | ---: |"]
    return lines + [f"| {board} | {runtime} | {count:,} |" for (board, runtime), count in sorted(starts.items())]


def write_document(table: Table) -> None:
    """Put each table between its two marks in the document."""
    text = DOCUMENT.read_text()
    for name, lines in (("table", table_lines(table)), ("starts", start_lines(table))):
        before, mark, rest = text.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition(f"<!-- end of {name} -->")
        if not end:
            raise RuntimeError(f"{DOCUMENT} has no marks to put the {name} between")
        text = "".join([before, mark, *(f"{line}\n" for line in lines), end, after])
    write_file(DOCUMENT, text.encode())


def save(table: Table, path: Path) -> None:
    """Write the table as JSON."""
    write_file(path, (json.dumps(asdict(table), indent=1, sort_keys=True) + "\n").encode())


def _of_the_tests() -> Path:
    folder = make_artifacts()
    return export_all(folder / "model.keras", folder / "artifacts")


def main() -> int:
    """Measure, save and print; fail when a figure grew."""
    parser = argparse.ArgumentParser(prog="instructions")
    parser.add_argument("--model", type=Path, help="another Keras model than that of the tests, to look at")
    parser.add_argument("--accept", action="store_true", help="hold later figures against these")
    options = parser.parse_args()
    if options.model and options.accept:
        parser.error("figures of the tests' own model are held against: --accept without --model")
    table = measure(export_all(options.model.resolve()) if options.model else _of_the_tests())
    save(table, MEASURED)
    print("\n".join([*table_lines(table), "", *start_lines(table)]))
    for key, reason in sorted(table.refused.items()):
        print(f"refused: {key.rpartition(' / ')[0]}: {reason}")
    print(f"saved: {MEASURED.relative_to(ROOT)}")
    if options.accept:
        save(table, ACCEPTED)
        write_document(table)
        print(f"accepted: {ACCEPTED.relative_to(ROOT)}, {DOCUMENT.relative_to(ROOT)}")
        return 0
    grown = regressions(accepted(), table.figures)
    print("\n".join(grown) or f"no figure grew by more than {MOST_GROWTH:.0%}")
    return 1 if grown else 0


if __name__ == "__main__":
    sys.exit(main())
