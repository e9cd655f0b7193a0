"""Writes support.json: what each release of a runtime can run, found by offering it models.

``python tests/facts/support_facts.py`` asks the releases that stand there and the newest ones of wheels.json, each in
a throw-away environment that uv makes; further ones are named as ``onnxruntime==1.27.0``. A release stands there when
it accepts other things than the one before.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import elsewhere_facts

from digitrec_edge import artifact
from digitrec_edge.files import write_file
from digitrec_edge.formats.tflite_operators import BUILTIN_OPERATORS
from digitrec_edge.installation.wheels import WHEELS
from digitrec_edge.remote.index import pip_index
from digitrec_edge.remote.resolve import find_uv
from runtimes import RUNTIMES, RuntimeRow, support
from runtimes.elsewhere import ELSEWHERE, TARGETS
from runtimes.table import IndexPackage, Target

OFFERS = Path(__file__).parent / "offers"
ORT_FILE = Path(__file__).parents[1] / "data" / "card-1.ort"
HIGHEST = 20
"""No operator of any release has come this far."""

NO_OPERATORS = {"CUSTOM", "DELEGATE", "PLACEHOLDER_FOR_GREATER_OP_CODES"}
"""Codes that stand for something else."""

NOT_OFFERED = {"onnxruntime": {"com.microsoft.nchwc opset": 1}}
"""What runtimes make of models by themselves and write into .ort files; none can be offered by itself."""

CODES = {name: code for code, name in enumerate(BUILTIN_OPERATORS) if name not in NO_OPERATORS}

NOTE = (
    "Highest operator version (TFLite) or opset and IR version (ONNX) that each release accepts, found by offering it "
    f"models; a release lists what changed since the one before. {HIGHEST} stands for all: TFLite Micro looks at no "
    "version. Written by make facts; tests/test_support.py offers them again to the installed releases."
)

Accepted = dict[str, list[int]]


def offer(row: RuntimeRow, python: list[str]) -> Accepted:
    """Ask a runtime in a process of its own.

    Args:
        row: the runtime.
        python: command that runs a Python which has it.

    Returns:
        For each operator (or opset) the versions that it accepts.
    """
    if "tflite" in row.formats:
        assert isinstance(row.presence, IndexPackage)
        command = [*python, str(OFFERS / "operators.py"), row.presence.package]
        request: dict[str, object] = {"codes": CODES, "highest": HIGHEST}
    else:
        (_, version), *_ = artifact.read(ORT_FILE).graph.needs
        command, request = [*python, str(OFFERS / "opsets.py"), str(ORT_FILE)], {"version": version}
    done = subprocess.run(command, input=json.dumps(request), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}")
    answer: Accepted = json.loads(done.stdout.splitlines()[-1])
    return answer


def highest(row: Target, accepted: Accepted) -> dict[str, int]:
    """Return the highest version of each thing that is accepted at all."""
    gaps = [name for name, found in accepted.items() if found and found != [*range(found[0], found[-1] + 1)]]
    if gaps:
        raise ValueError(f"{row.name} accepts later versions of {gaps[0]} and not all before: {accepted[gaps[0]]}")
    return {name: found[-1] for name, found in accepted.items() if found} | NOT_OFFERED.get(row.name, {})


def changes(releases: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    """Return what each release, the oldest first, has other than the one before; none that has nothing."""
    found: dict[str, dict[str, int]] = {}
    known: dict[str, int] = {}
    for release in sorted(releases, key=support.version_key):
        fresh = {name: version for name, version in releases[release].items() if known.get(name) != version}
        if fresh:
            found[release] = fresh
        known = known | fresh
    return found


def environment(row: RuntimeRow, release: str) -> list[str]:
    """Return the command of a Python in a throw-away environment with one release of a runtime."""
    wanted = (f"{row.distribution}=={release}", "numpy<2", "flatbuffers")
    packages = [argument for requirement in wanted for argument in ("--with", requirement)]
    return [find_uv(), "run", "--quiet", "--isolated", "--no-project", "--python", sys.executable, *packages, "python"]


def candidates(row: RuntimeRow, named: Iterable[str]) -> list[str]:
    """Return the releases to ask: those that are written down, the newest of the index, and those that are named."""
    newest = next(wheel.version for wheel in WHEELS if wheel.distribution == row.distribution)
    further = [name.partition("==")[2] for name in named if name.partition("==")[0] == row.distribution]
    return sorted({*support.releases(row.name), newest, *further}, key=support.version_key)


def to_json(runtimes: dict[str, dict[str, dict[str, int]]]) -> str:
    """Lay the facts out with a line for each release."""
    parts = []
    for name, releases in runtimes.items():
        lines = ",\n".join(f"   {json.dumps(release)}: {json.dumps(has)}" for release, has in releases.items())
        parts.append(f"  {json.dumps(name)}: {{\n{lines}\n  }}")
    body = ",\n".join(parts)
    return f'{{\n "note": {json.dumps(NOTE)},\n "runtimes": {{\n{body}\n }}\n}}\n'


def recorded() -> dict[str, dict[str, dict[str, int]]]:
    """Return what is written down, release by release."""
    return {row.name: changes(support.releases(row.name)) for row in TARGETS if support.releases(row.name)}


def main(named: list[str]) -> None:
    """Ask all releases and write the file."""
    os.environ.update(pip_index().uv_variables())
    found = {}
    before = recorded()
    asked = elsewhere_facts.offer_all([*ELSEWHERE], CODES, HIGHEST)
    for elsewhere in ELSEWHERE:  # what cannot be asked here stays as it is
        print(f"{elsewhere.distribution} {elsewhere.release if elsewhere.name in asked else 'is not here'}", flush=True)
        if elsewhere.name in asked:
            before[elsewhere.name] = {elsewhere.release: highest(elsewhere, asked[elsewhere.name])}
    for row in RUNTIMES:
        name, releases = row.name, {}
        if not row.distribution:  # our own kernels: what they can do is written by hand
            found[name] = before[name]
            continue
        for release in candidates(row, named):
            print(f"{row.distribution} {release}", flush=True)
            releases[release] = highest(row, offer(row, environment(row, release)))
        found[name] = changes(releases)
    found |= {row.name: before[row.name] for row in ELSEWHERE if row.name in before}
    write_file(support.FACTS, to_json(found).encode())


if __name__ == "__main__":
    main(sys.argv[1:])
