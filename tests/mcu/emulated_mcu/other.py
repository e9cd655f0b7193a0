"""What other networks take on the emulated cores: flash, RAM, instructions, and every logit compared with LiteRT's.

``PYTHONPATH=tests/mcu python -m emulated_mcu.other [--core Cortex-M4] FILE.tflite ...``: a line for each artifact.
"""

import argparse
import sys
from pathlib import Path

from digitrec_edge.dense.packing import find_kernel
from digitrec_edge.dense.rounding import ROUNDINGS
from digitrec_edge.dense.tflite import NotDenseError
from digitrec_edge.errors import DigitrecError
from digitrec_edge.formats.graph import MalformedError
from emulated_mcu import needs
from emulated_mcu.cores import CORES
from emulated_mcu.networks import tables
from emulated_mcu.table import Case, Oracles, measure


def main(arguments: list[str]) -> int:
    """Measure each; 1 when a logit is not LiteRT's, 2 when a file is none that the exported C computes."""
    parser = argparse.ArgumentParser(prog="other", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--core", default="Cortex-M4", choices=[core.name for core in CORES])
    parser.add_argument("artifacts", type=Path, nargs="+")
    options = parser.parse_args(arguments)
    core = next(core for core in CORES if core.name == options.core)
    cases = [Case(core, path.stem, ROUNDINGS[0], None, path) for path in options.artifacts]
    for case in cases:
        try:
            tables(case.model, case.rounding, find_kernel(core.kernel))
        except (DigitrecError, MalformedError, NotDenseError) as error:
            print(f"{case.model}: {error}; an int8 or int4 .tflite of Dense layers is measured", file=sys.stderr)
            return 2
    if needs.absent():
        return needs.main()
    oracles, differing = Oracles(options.artifacts), 0
    for case in cases:
        figure, wrong = measure(case, oracles)
        steps, differing = figure.instructions, differing + wrong
        print(
            f"{case.model}: {'-'.join(map(str, figure.sizes))}, flash {figure.flash_bytes:,} bytes, "
            f"static RAM {figure.ram_bytes:,}, stack {figure.stack_bytes:,}, "
            f"instructions {steps.mean:,} mean, {steps.least:,} to {steps.most:,}; {wrong} logits differ",
            flush=True,
        )
    return int(differing > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
