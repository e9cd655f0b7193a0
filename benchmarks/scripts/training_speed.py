"""Training speed and equivalence: the reference recipe against plain Keras ``fit``, in one run.

::

    python benchmarks/scripts/training_speed.py                    # seconds per epoch, interleaved, and the ratio
    python benchmarks/scripts/training_speed.py --seeds 5          # also: mean test accuracy of both over 5 seeds

A round trains one epoch each way, in turn the one first and the other, so that both meet the same
machine. The first round compiles and is left out. This is a desktop tool: it needs TensorFlow.
"""

import argparse
import dataclasses
import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measure.environment import Environment, describe_environment
from digitrec_edge import mnist
from digitrec_edge.errors import BenchmarkError, DigitrecError
from digitrec_edge.files import write_file
from digitrec_edge.quantization import PIXEL_MAX
from digitrec_edge.training import run as training
from digitrec_edge.training.loop import compile_trainer, examples
from digitrec_edge.training.network import build, import_tensorflow
from digitrec_edge.training.recipes import RECIPES, Recipe

MIN_RATIO = 5.0
"""Plain ``fit`` must take at least so many times longer: an epoch of 1,875 calls from Python costs that."""

MAX_DIFFERENCE_PP = 0.15
"""Single seeds scatter by 0.2 to 0.3 pp; the means of 5 seeds of one and the same recipe by about 0.15."""


@dataclass(frozen=True)
class Speed:
    """Time of one epoch of 60,000 images, wall clock and CPU, medians over the rounds after the first.

    Attributes:
        ratio: median over the rounds of the seconds of ``fit`` by the seconds of ours.
        ratio_cpu: the same for CPU seconds.
        fit_s, ours_s: raw samples, a round each.
    """

    fit_median_s: float
    ours_median_s: float
    fit_median_cpu_s: float
    ours_median_cpu_s: float
    ratio: float
    ratio_cpu: float
    fit_s: tuple[float, ...]
    ours_s: tuple[float, ...]


@dataclass(frozen=True)
class Equivalence:
    """Test accuracy after the whole recipe, one per seed, 0 to 1; the difference is of the means."""

    fit: tuple[float, ...]
    ours: tuple[float, ...]
    difference_pp: float


def compare_speed(recipe: Recipe, rounds: int) -> Speed:
    """Time single epochs of both ways, alternating."""
    ways = (_fit_epoch(recipe), _our_epoch(recipe))
    samples: list[list[tuple[float, float]]] = [[], []]
    for number in range(rounds + 1):
        for k in (0, 1) if number % 2 else (1, 0):
            wall, cpu = time.perf_counter(), time.process_time()
            ways[k]()
            took = time.perf_counter() - wall, time.process_time() - cpu
            if number:
                samples[k].append(took)
                print(f"round {number}  {('fit', 'ours')[k]:4s}  {took[0]:.2f} s  {took[1]:.2f} CPU-s", file=sys.stderr)
    (fit, fit_cpu), (ours, ours_cpu) = (tuple(zip(*way, strict=True)) for way in samples)
    return Speed(
        fit_median_s=statistics.median(fit),
        ours_median_s=statistics.median(ours),
        fit_median_cpu_s=statistics.median(fit_cpu),
        ours_median_cpu_s=statistics.median(ours_cpu),
        ratio=statistics.median(a / b for a, b in zip(fit, ours, strict=True)),
        ratio_cpu=statistics.median(a / b for a, b in zip(fit_cpu, ours_cpu, strict=True)),
        fit_s=fit,
        ours_s=ours,
    )


def _our_epoch(recipe: Recipe) -> Callable[[], object]:
    digits = mnist.load("train")
    trainer = compile_trainer(build(), recipe, len(digits))
    part, random = examples(digits), np.random.default_rng(0)
    return lambda: trainer.run(part, random.permutation(len(digits)))


def _compiled_model(recipe: Recipe) -> Any:
    import_tensorflow()
    import keras

    model = build()
    model.compile(
        optimizer=keras.optimizers.Adam(recipe.learning_rate),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model


def _pixels(part: mnist.Part) -> tuple[Any, Any]:
    digits = mnist.load(part)
    return digits.images.astype(np.float32) / np.float32(PIXEL_MAX), digits.labels.astype(np.int32)


def _fit_epoch(recipe: Recipe) -> Callable[[], object]:
    model, (pixels, labels) = _compiled_model(recipe), _pixels("train")
    return lambda: model.fit(pixels, labels, batch_size=recipe.batch_size, epochs=1, shuffle=True, verbose=0)


def compare_accuracy(recipe: Recipe, seeds: int, keep: Path | None) -> Equivalence:
    """Train the whole recipe both ways with every seed; ``keep`` gets what is finished after each."""
    fit: list[float] = []
    ours: list[float] = []
    for seed in range(seeds):
        ours.append(training.train(recipe, seed)[1].test_accuracy)
        fit.append(_fit_accuracy(recipe, seed))
        print(f"seed {seed}  fit {fit[-1]:.2%}  ours {ours[-1]:.2%}", file=sys.stderr, flush=True)
        found = Equivalence(tuple(fit), tuple(ours), 100 * (statistics.mean(ours) - statistics.mean(fit)))
        if keep:
            write_file(keep, json.dumps(dataclasses.asdict(found), indent=1).encode())
    return found


def _fit_accuracy(recipe: Recipe, seed: int) -> float:
    import_tensorflow()
    import keras

    keras.utils.set_random_seed(seed)
    model, (pixels, labels) = _compiled_model(recipe), _pixels("train")
    model.fit(pixels, labels, batch_size=recipe.batch_size, epochs=recipe.epochs, shuffle=True, verbose=0)
    logits = np.asarray(model(_pixels("test")[0], training=False))
    return float((logits.argmax(axis=1) == mnist.load("test").labels).mean())


def check(speed: Speed, equivalence: Equivalence | None) -> None:
    """Refuse a loop that is too slow or trains something else.

    Raises:
        BenchmarkError: names every figure that is out of bounds.
    """
    lost = []
    if not speed.ratio >= MIN_RATIO:
        lost.append(f"fit takes {speed.ratio:.1f} times as long (at least {MIN_RATIO:g} is asked for)")
    if equivalence and not abs(equivalence.difference_pp) <= MAX_DIFFERENCE_PP:
        lost.append(f"mean accuracies differ by {equivalence.difference_pp:+.2f} pp (at most {MAX_DIFFERENCE_PP})")
    if lost:
        raise BenchmarkError("; ".join(lost))


def _report(environment: Environment, speed: Speed, equivalence: Equivalence | None) -> str:
    lines = [
        f"{environment.cpu}, {environment.os}, Python {environment.python}",
        f"one epoch, {len(speed.fit_s)} rounds:  fit {speed.fit_median_s:.2f} s ({speed.fit_median_cpu_s:.2f} CPU-s), "
        f"ours {speed.ours_median_s:.2f} s ({speed.ours_median_cpu_s:.2f} CPU-s), "
        f"ratio {speed.ratio:.1f} (CPU {speed.ratio_cpu:.1f})",
    ]
    if equivalence:
        fit, ours = equivalence.fit, equivalence.ours
        lines.append(
            f"test accuracy, {len(fit)} seeds:  fit {statistics.mean(fit):.2%} ({min(fit):.2%} to {max(fit):.2%}), "
            f"ours {statistics.mean(ours):.2%} ({min(ours):.2%} to {max(ours):.2%}), "
            f"difference {equivalence.difference_pp:+.2f} pp"
        )
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, and return the exit status: 1 when a bound is not met."""
    parser = argparse.ArgumentParser(
        prog="python benchmarks/scripts/training_speed.py", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--rounds", type=int, default=5, help="epochs each way that are timed (default: 5)")
    parser.add_argument("--seeds", type=int, default=0, help="seeds of the equivalence check (default: 0, none)")
    parser.add_argument("--json", type=Path, help="write figures and environment to this file")
    chosen = parser.parse_args(arguments)
    if chosen.rounds < 1 or chosen.seeds < 0:
        parser.error("--rounds is 1 or more, --seeds 0 or more")
    recipe = RECIPES["reference"]
    environment = describe_environment()
    speed = compare_speed(recipe, chosen.rounds)
    partial = chosen.json.with_suffix(".partial.json") if chosen.json else None
    equivalence = compare_accuracy(recipe, chosen.seeds, partial) if chosen.seeds else None
    print(_report(environment, speed, equivalence))
    if chosen.json:
        figures = {"speed": dataclasses.asdict(speed), "equivalence": equivalence and dataclasses.asdict(equivalence)}
        write_file(
            chosen.json, json.dumps({"environment": dataclasses.asdict(environment), **figures}, indent=1).encode()
        )
    try:
        check(speed, equivalence)
    except DigitrecError as error:
        print(f"training_speed: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
