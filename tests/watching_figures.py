"""How many readings of made videos are right, withheld and wrong.

``python tests/watching_figures.py look --seeds 0:60`` reads every frame once and keeps what it shows in build/watching;
``python tests/watching_figures.py sum --seeds 0:60`` counts readings for several parameters, from what was kept.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from digitrec_edge import pretrained
from digitrec_edge.recognition import How
from digitrec_edge.watching.agreement import Agreement
from digitrec_edge.watching.glimpse import UNSURE, Glimpse, glimpse
from digitrec_edge.watching.plausibility import Plausibility, Rules
from runtimes import Model, load
from tests.made_videos import MadeVideo, make, plan

KEPT = Path(__file__).parents[1] / "build" / "watching"
PER_SECOND = 5.0


@dataclass(frozen=True)
class Tally:
    """Readings of some videos.

    Attributes:
        right: given, and on one of the frames that agreed.
        wrong: given, and not there.
        withheld: never given, although it was to be seen undisturbed for ``agree`` frames in a row.
        probabilities: the sum of what was said of the readings that were given.
    """

    right: int = 0
    wrong: int = 0
    withheld: int = 0
    probabilities: float = 0.0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(*(a + b for a, b in zip(vars(self).values(), vars(other).values(), strict=True)))

    def __str__(self) -> str:
        given = self.right + self.wrong
        return (
            f"{self.right:6} right {self.withheld:6} withheld {self.wrong:4} wrong of {given} given "
            f"({100 * self.wrong / max(1, given):.3f} %), mean probability {self.probabilities / max(1, given):.4f}"
        )


@dataclass(frozen=True)
class Way:
    """A way to watch: whether the number of digits is known, how sure digits must be, and what else is known."""

    count: bool
    agree: int
    min_confidence: float
    monotone: bool = False
    max_step: int | None = None


def looked(video: MadeVideo, model: Model, count: bool) -> list[dict[str, Any]]:
    """Read every frame, whatever the probabilities."""
    left, top, width, height = video.region
    how = How(multi=True, count=video.digits if count else None)
    cuts = (frame[top : top + height, left : left + width] for frame in video.frames)
    seen = (glimpse(model, cut, "a frame", how) for cut in cuts)
    return [{"text": one.text, "probabilities": one.probabilities, "reason": one.reason} for one in seen]


def glimpses(kept: Sequence[dict[str, Any]], min_confidence: float) -> Iterator[Glimpse]:
    """Return what is seen where digits of a lower probability are unsure."""
    for one in kept:
        unsure = one["text"] is not None and min(one["probabilities"]) < min_confidence
        yield Glimpse(None, (), UNSURE) if unsure else Glimpse(one["text"], tuple(one["probabilities"]), one["reason"])


def readings(kept: Sequence[dict[str, Any]], way: Way, digits: int) -> Iterator[tuple[int, str, float]]:
    """Yield the readings that are given: the frame, the number and its probability."""
    step = None if way.max_step is None else Decimal(way.max_step)
    agreement = Agreement(way.agree)
    plausibility = Plausibility(Rules(digits if way.count else None, 0, way.monotone, step))
    told = None
    for frame, seen in enumerate(glimpses(kept, way.min_confidence)):
        agreed = agreement.add(seen)
        if agreed.text is None or agreed.probability is None:
            continue
        if plausibility.judge(agreed.text, frame / PER_SECOND).reason is None and agreed.text != told:
            told = agreed.text
            yield frame, agreed.text, agreed.probability


def visible(truths: Sequence[frozenset[str]], disturbed: Sequence[bool], agree: int) -> set[str]:
    """Return the numbers that stood there for so many frames in a row, whole, in the light and with no hand before."""
    clear = [min(truth) if len(truth) == 1 and not bad else "" for truth, bad in zip(truths, disturbed, strict=True)]
    return {one for k, one in enumerate(clear) if one and clear[k : k + agree] == [one] * agree}


def tally(kept: Sequence[dict[str, Any]], seed: int, way: Way) -> Tally:
    """Compare the readings of the video of a seed with what it shows."""
    made = plan(seed, len(kept))
    truths = made.truths
    right = wrong = 0
    total, given = 0.0, set()
    for frame, text, probability in readings(kept, way, made.digits):
        there = {one for truth in truths[max(0, frame - way.agree + 1) : frame + 1] for one in truth}
        right, wrong = right + (text in there), wrong + (text not in there)
        total += probability
        given.add(text)
    return Tally(right, wrong, len(visible(truths, made.disturbed, way.agree) - given), total)


def _seeds(text: str) -> range:
    first, _, last = text.partition(":")
    return range(int(first), int(last))


def _file(seed: int, count: bool) -> Path:
    return KEPT / f"{seed}-{'count' if count else 'free'}.json"


def look(seeds: range, count: bool) -> None:
    """Read the videos of seeds that were not read yet."""
    KEPT.mkdir(parents=True, exist_ok=True)
    with load(pretrained.DEFAULT) as model:
        for seed in seeds:
            if not _file(seed, count).exists():
                video = make(seed)
                kept = {"look": video.look, "kept": looked(video, model, count)}
                _file(seed, count).write_text(json.dumps(kept))


def summed(seeds: range, way: Way) -> dict[str, Tally]:
    """Return what was read of kept videos, by look, and in all."""
    sums: dict[str, Tally] = {}
    for seed in seeds:
        if (path := _file(seed, way.count)).exists():
            one = json.loads(path.read_text())
            found = tally(one["kept"], seed, way)
            for name in (one["look"], "all"):
                sums[name] = sums.get(name, Tally()) + found
    return sums


def main() -> None:
    """Read, or sum."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("look", "sum"))
    parser.add_argument("--seeds", type=_seeds, default=range(60))
    parser.add_argument("--free", action="store_true", help="as if the number of digits were not known")
    parser.add_argument("--agree", type=int, nargs="+", default=[3])
    parser.add_argument("--min-confidence", type=float, nargs="+", default=[0.9])
    parser.add_argument("--monotone", action="store_true")
    parser.add_argument("--max-step", type=int)
    options = parser.parse_args()
    if options.what == "look":
        look(options.seeds, not options.free)
        return
    for agree in options.agree:
        for sure in options.min_confidence:
            way = Way(not options.free, agree, sure, options.monotone, options.max_step)
            print(way)
            for name, found in sorted(summed(options.seeds, way).items()):
                print(f"  {name:6} {found}")


if __name__ == "__main__":
    main()
