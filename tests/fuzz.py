"""A seeded mutation fuzzer: damaged model files against ``load()`` and one prediction, in child processes.

``python tests/fuzz.py build/artifacts --count 10000 --seed 0`` runs the campaign over every artifact there (without a
folder: over the pretrained ones) in every runtime for its format, damaged in three ways: ``carded``, the file as it
is; ``foreign``, the model alone, without card and mark; ``resealed``, the model damaged and a card and seal put on it
that fit, as anybody can. A file passes when the child answers or refuses it with one of our errors; a child that
dies, hangs for over 10 s, takes more than 300 MB or raises anything else fails, and so does an answer from a damaged
file with its old seal.

Each mutant is a function of (file, seed, number), so a failure is repeated by its number: ``--only 1234``.
"""

import resource
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

if not __package__:  # run as a script
    sys.path.insert(0, str(Path(__file__).parents[1]))
from tests import watched
from tests.watched import Outcomes

PRETRAINED = Path(__file__).parents[1] / "digitrec_edge" / "data" / "pretrained"
TIMEOUT_S = 10.0
MEMORY_BYTES = 8 << 30
_INTERESTING = np.array([0, 1, -1, 2, 4, 127, 128, 255, 256, 32767, 65535, 2**31 - 1, -(2**31), 784, 10], "<i8")


def mutate(data: bytes, seed: int, number: int) -> bytes:
    """Damage a file in one of several ways, the same for the same seed and number."""
    random = np.random.default_rng([seed, number])
    array = np.frombuffer(data, np.uint8).copy()
    # half of the damage goes where the structure is, near the ends; weights fill the middle
    edge = min(len(array), 4096)

    def position(width: int = 1) -> int:
        kind = random.integers(4)
        if kind == 0:
            return int(random.integers(edge)) % max(1, len(array) - width)
        if kind == 1:
            return max(0, len(array) - width - int(random.integers(edge)))
        return int(random.integers(max(1, len(array) - width)))

    for _ in range(int(random.choice([1, 1, 1, 2, 4, 16]))):
        kind = random.integers(8)
        if kind == 0:
            array[position()] ^= np.uint8(1 << random.integers(8))
        elif kind == 1:
            array[position()] = random.integers(256)
        elif kind == 2:
            at = position(4) // 4 * 4
            word = np.frombuffer(random.choice(_INTERESTING).astype("<i4").tobytes(), np.uint8)
            array[at : at + 4] = word[: len(array) - at]
        elif kind == 3:
            array = array[: random.integers(len(array))] if random.integers(4) == 0 else array
        elif kind == 4:
            at, width = position(), int(random.integers(1, 64))
            array[at : at + width] = random.choice([0, 255])
        elif kind == 5:
            at, width = position(), int(random.integers(1, 32))
            array = np.delete(array, slice(at, at + width))
        elif kind == 6:
            at, width = position(), int(random.integers(1, 32))
            array = np.insert(array, at, array[at : at + width])
        else:
            at, other, width = position(4) // 4 * 4, position(4) // 4 * 4, 4 * int(random.integers(1, 8))
            block = array[other : other + width].copy()
            array[at : at + len(block)] = block[: max(0, len(array) - at)]
        if not len(array):
            return b""
    return array.tobytes()


def foreign(path: Path) -> bytes:
    """Return an artifact's model as somebody else would have made it: without card, seal and mark."""
    from digitrec_edge import artifact, formats

    return artifact.read(path).payload.replace(formats.MARK, b"x" * len(formats.MARK))


def reseal(path: Path, payload: bytes) -> bytes:
    """Return an artifact with another payload: card and seal fit it, so that only its structure can be wrong."""
    from digitrec_edge import artifact
    from digitrec_edge.formats import SAMPLE_FILE

    found = artifact.read(path)
    assert found.card is not None
    return artifact.seal(payload, found.card, found.files.get(SAMPLE_FILE))


MODES = ("carded", "foreign", "resealed")


@dataclass(frozen=True)
class Campaign:
    """What to try.

    Attributes:
        mode: of :data:`MODES`; from a damaged file with its old seal nothing may be answered.
    """

    base: Path
    suffix: str
    runtime: str
    mode: str
    seed: int


def run(campaign: Campaign, numbers: Iterable[int]) -> tuple[Outcomes, list[str]]:
    """Try all mutants; returns how many came to what, and a line per failure."""
    command = [__file__, "--worker", str(campaign.base), campaign.suffix, campaign.runtime]

    def judge(outcome: str) -> str:
        wrong = campaign.mode == "carded" and outcome == "answered"
        return "failed: answered from a damaged file" if wrong else outcome

    return watched.run(
        [*command, str(campaign.seed), campaign.mode], numbers,
        f"{campaign.base.name} {campaign.runtime} {campaign.mode}", TIMEOUT_S, judge,
    )  # fmt: skip


def work(base: Path, suffix: str, runtime: str, seed: int, mode: str) -> None:
    """The child: reads numbers, answers with outcomes."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    from digitrec_edge import artifact
    from digitrec_edge.errors import DigitrecError
    from runtimes import load

    data = artifact.read(base).payload if mode == "resealed" else base.read_bytes()
    image = np.zeros((28, 28), np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"mutant{suffix}"

        def prepare(number: int) -> bytes:
            mutant = data if number < 0 else mutate(data, seed, number)
            path.write_bytes(reseal(base, mutant) if mode == "resealed" else mutant)
            return mutant

        def attempt(mutant: bytes) -> str:
            with load(path, runtime) as model:
                model.predict(image)
            return "same" if mutant == data else "answered"

        watched.serve(prepare, attempt, (DigitrecError,))


def campaigns(folder: Path, scratch: Path, seed: int) -> list[Campaign]:
    """Every artifact in every runtime for its format, in every mode."""
    from digitrec_edge import artifact, formats
    from runtimes.table import RUNTIMES

    found = []
    for path in sorted(p for p in folder.iterdir() if formats.of_file_name(p.name)):
        bare = scratch / f"foreign-{path.name}"
        bare.write_bytes(foreign(path))
        kind = artifact.read(path).format.name
        for row in RUNTIMES:
            if row.runs(kind) and row.installed:
                for mode in MODES:
                    found.append(Campaign(bare if mode == "foreign" else path, path.suffix, row.name, mode, seed))
    return found


def main() -> int:
    """Run the campaign and print a line per file and runtime."""
    if sys.argv[1:2] == ["--worker"]:
        work(Path(sys.argv[2]), sys.argv[3], sys.argv[4], int(sys.argv[5]), sys.argv[6])
        return 0
    parser = watched.options(__doc__ or "", 10_000)
    parser.add_argument("folder", type=Path, nargs="?", default=PRETRAINED, help="default: the pretrained artifacts")
    parser.add_argument("--mode", choices=MODES, help="only this one")
    parser.add_argument("--match", default="", help="only files whose name holds this")
    options = parser.parse_args()
    failed = 0
    totals: dict[str, Outcomes] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for campaign in campaigns(options.folder, Path(scratch), options.seed):
            if options.match not in campaign.base.name or options.mode not in (None, campaign.mode):
                continue
            outcomes, failures = run(campaign, watched.numbers(options))
            name = f"{campaign.base.name} {campaign.runtime} {campaign.mode}"
            failed += watched.report(name, options.seed, outcomes, failures)
            totals.setdefault(f"{campaign.suffix} in {campaign.runtime}", Outcomes()).absorb(outcomes)
    for name, total in totals.items():
        print(f"{name}: {total.total():,} mutants: {total}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
