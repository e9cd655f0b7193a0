"""What a recipe reaches over several seeds: trains, exports and measures each, and prints mean and least.

``python benchmarks/scripts/recipe_seeds.py [--recipe robust] [--seeds 3] [--folder build/seeds]``: every seed in a
folder of its own. A seed that is done is not done again, and one that was stopped is resumed, so that it can be run
again and again until all are there. ``--hidden 64,32`` does it with other hidden layers.
"""

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from digitrec_edge.training.recipes import RECIPES

FIGURES = "robustness.json"


def digitrec_edge(*arguments: str | Path) -> None:
    """Run the command line as a user does."""
    done = subprocess.run([sys.executable, "-m", "digitrec_edge", *map(str, arguments)])
    if done.returncode:  # it has said why
        sys.exit(done.returncode)


def measure(recipe: str, seed: int, folder: Path, hidden: str | None = None) -> list[dict[str, Any]]:
    """Train, export and measure one seed, as far as that was not done before; returns a row per artifact."""
    model, figures = folder / "model.keras", folder / FIGURES
    stopped = model.with_suffix(".checkpoint.npz").exists()
    if stopped or not model.with_suffix(".history.json").exists():
        resume = ["--resume"] if stopped else ["--seed", str(seed)]
        resume += ["--hidden", hidden] if hidden else []
        digitrec_edge("train", "--recipe", recipe, "-o", model, *resume)
    if not figures.exists():
        whole = "int4" if RECIPES[recipe].weight_bits == 4 else "int8"
        digitrec_edge("export", model, "--float32", f"--{whole}", "-o", folder)
        artifacts = [folder / f"digitrec-{name}.tflite" for name in ("float32", whole)]
        digitrec_edge("robustness", *artifacts, "--json", figures)
    rows: list[dict[str, Any]] = json.loads(figures.read_text())["robustness"]
    return rows


def print_summary(measured: list[list[dict[str, Any]]]) -> None:
    """Print a line per set: mean and least of all seeds, for each artifact."""
    for k, artifact in enumerate(measured[0]):
        print(f"{artifact['artifact']}, {len(measured)} seeds: mean (least)")
        for j, first in enumerate(artifact["results"]):
            accuracies = [rows[k]["results"][j]["accuracy"] for rows in measured]
            print(f"  {first['name']:12s} {statistics.mean(accuracies):.2%} ({min(accuracies):.2%})")
        errors = [rows[k]["calibration_error"] for rows in measured]
        print(f"  {'calibration':12s} {statistics.mean(errors):.4f} (worst {max(errors):.4f})")


def main(arguments: list[str]) -> int:
    """Measure all seeds."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--recipe", choices=RECIPES, default="robust")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--hidden", help="units of the hidden layers, such as 64,32")
    parser.add_argument("--folder", type=Path, default=Path("build/seeds"))
    chosen = parser.parse_args(arguments)
    if chosen.seeds < 1:
        parser.error(f"--seeds {chosen.seeds}: at least 1 is needed")
    name = "-".join([chosen.recipe, *(chosen.hidden or "").split(",")]).strip("-")
    folders = [chosen.folder / f"{name}-{seed}" for seed in range(chosen.seeds)]
    measured = [measure(chosen.recipe, seed, folder, chosen.hidden) for seed, folder in enumerate(folders)]
    print_summary(measured)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
