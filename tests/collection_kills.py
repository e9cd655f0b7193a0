"""Kills processes that write into a collection, and looks whether anything is lost that they were told is kept.

Two processes keep and correct digits in one file and tell each one when the call has returned; both are killed by
``kill -9`` at a random moment. Every other round the file is so small that old digits must go: corrected ones may not,
and the file may never be larger than allowed.

``python -m tests.collection_kills [--count 200] [--seed 0]``
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from digitrec_edge.collection import Collection
from tests.collected import kept

AMPLE_BYTES, TIGHT_BYTES = 256 << 20, 1 << 20
_WRITERS = 2
_BLOCK = 4_000
"""Each writer has so many numbers of its own."""

_ROUNDS = 20
"""Then other files begin: in a small one corrected digits leave less and less room."""

_KEPT, _CORRECTED = "kept", "corrected"


def write(path: str, limit_bytes: str, first: str, seed: str) -> None:
    """Keep and correct digits until killed; tells each when it is done."""
    chosen = random.Random(int(seed))
    with Collection(path, int(limit_bytes)) as collection:
        for number in range(int(first), int(first) + _BLOCK):
            name = collection.keep(kept(number, picture=_picture(number)))
            os.write(1, f"{_KEPT} {number}\n".encode())
            if chosen.random() < 0.02:
                collection.correct(name, number % 10, "somebody")
                os.write(1, f"{_CORRECTED} {number}\n".encode())


def _picture(number: int) -> bytes:
    random_ = np.random.default_rng(number)
    return random_.bytes(int(random_.integers(0, 20_000)))


def one_round(path: Path, limit_bytes: int, start: int, chosen: random.Random) -> set[tuple[str, int]]:
    """Let processes write and kill them; returns what they were told is done."""
    code = "import sys; from tests.collection_kills import write; write(*sys.argv[1:])"
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(path), str(limit_bytes), str(start + k * _BLOCK), str(start + k)],
            stdout=subprocess.PIPE, cwd=Path(__file__).parents[1],
        )
        for k in range(_WRITERS)
    ]  # fmt: skip
    told: list[bytes] = []
    assert writers[0].stdout
    if chosen.random() < 0.9:  # else perhaps while the file is made or opened
        told += [writers[0].stdout.readline() for _ in range(chosen.randrange(1, 60))]
    time.sleep(chosen.uniform(0, 0.03))
    for writer in writers:
        writer.send_signal(signal.SIGKILL)
    for writer in writers:
        assert writer.stdout
        with writer.stdout:
            told += writer.stdout.readlines()
        assert writer.wait() == -signal.SIGKILL, "a writer ended by itself"
    return {(what, int(number)) for what, number in (line.decode().split() for line in told if line)}


def look(path: Path, limit_bytes: int, told: set[tuple[str, int]]) -> int:
    """Check what is left; returns how many items there are.

    Raises:
        AssertionError: something is lost, changed or damaged, or the file is too large.
    """
    with Collection(path, limit_bytes) as collection:
        collection.check()
        there = {item.id: item for item in collection.everything()}
        removed = collection.counts().removed
        for what, number in told:
            name = kept(number, picture=_picture(number)).id
            item = there.get(name)
            if item is None:
                assert what == _KEPT, f"the correction of {number} is lost"
                continue
            assert np.array_equal(item.image, kept(number).image), f"{number} has another image"
            assert collection.picture(name) == _picture(number), f"{number} has another picture"
            if what == _CORRECTED:
                assert item.correction, f"the correction of {number} is lost"
                assert item.correction.digit == number % 10, f"{number} has another correction"
        lost = len({number for _, number in told}) - len(there) - removed
        assert lost <= 0, f"{lost} digits are lost"
        assert removed == 0 or limit_bytes == TIGHT_BYTES, "digits went though there was room"
    size_bytes = sum(part.stat().st_size for part in path.parent.glob(f"{path.name}*"))
    assert size_bytes <= limit_bytes, f"the file has {size_bytes:,} bytes"
    return len(there)


def campaign(count: int, seed: int) -> tuple[int, int]:
    """Kill ``count`` processes; returns how many digits these were told are kept, and how many are there at the end."""
    chosen = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="digitrec-kills-") as name:
        folder = Path(name)
        told: dict[Path, set[tuple[str, int]]] = {}
        left: dict[Path, int] = {}
        for round_ in range(-(-count // _WRITERS)):
            limit_bytes = (AMPLE_BYTES, TIGHT_BYTES)[round_ % 2]
            path = folder / f"{limit_bytes}-{round_ // _ROUNDS}" / "collection.sqlite"
            done = told.setdefault(path, set())
            done |= one_round(path, limit_bytes, round_ * _WRITERS * _BLOCK, chosen)
            left[path] = look(path, limit_bytes, done)
        return sum(len({number for _, number in one}) for one in told.values()), sum(left.values())


def main() -> int:
    """Run the campaign."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    told, left = campaign(options.count, options.seed)
    print(f"kills: {options.count}, seed {options.seed}: {told:,} digits told to be kept, {left:,} there, 0 lost")
    return 0


if __name__ == "__main__":
    sys.exit(main())
