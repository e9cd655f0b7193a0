"""A campaign of hostile devices: each is met a few at a time, beside a good one.

``python tests/hostile_devices.py --count 1000 --seed 7`` has ``benchmark --host`` measure on that many hostile devices,
a few at a time and each time beside a good one, and prints one line of figures. A device passes when it ends in one
line that names it, with exit status 1, and the good one's results are in the JSON. ``mutated`` devices, whose answers
are true but for a few bytes, may also end well. What they answer is in ``tests/hostile_answers.py``; a failure is
repeated by the device's name: ``--only endless_line-12``.
"""

import argparse
import dataclasses
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

if not __package__:  # run as a script
    sys.path.insert(0, str(Path(__file__).parents[1]))
from digitrec_edge.installation.machine import describe_machine
from digitrec_edge.remote import exchange, resolve, ssh, venv
from tests import a_device, hostile_answers, watched
from tests.hostile_answers import GOOD, KINDS

TOGETHER = 6
SILENCE_S = 5.0
LIMIT_S, LIMIT_BYTES = 60.0, 300 << 20  # for a few devices together, on a machine that is busy with other things


_RUN = (
    "import atexit, sys; sys.path.append({root!r}); from tests import hostile_devices; hostile_devices.hurry(); "
    "atexit.register(hostile_devices.tell_peak, {peak!r}); {main}"
)
_MAIN = "from digitrec_edge.cli import main; main()"


def tell_peak(path: str) -> None:
    """Write the peak of this process's own memory in MB; ``ru_maxrss`` counts that of whoever started it, too."""
    Path(path).write_text(str(watched.peak_mb()))


def hurry() -> None:
    """Wait less for devices, pack one wheel for all of them, and leave pip's configuration alone."""

    def pack_once(folder: Path) -> Path:
        path = folder / "digitrec_edge-0-py3-none-any.whl"
        path.write_bytes(packed[0] if packed else pack(folder).read_bytes())
        packed.append(path.read_bytes())
        return path

    pack, packed = venv.pack_wheel, list[bytes]()  # type: ignore[attr-defined]
    exchange.SILENCE_S, ssh.PATIENCE_S = SILENCE_S, 0.5
    venv.pack_wheel = pack_once  # type: ignore[attr-defined]
    resolve.constraint_lines = list


def prepare(folder: Path) -> None:
    """Write what the devices need: the program in the place of ssh, an artifact, its true results."""
    data = Path(__file__).parent / "data"
    artifact = (data / "card-1.tflite").read_bytes()
    (folder / "digits.tflite").write_bytes(artifact)
    document = json.loads((data / "benchmark-2.json").read_text())
    (run,) = document["runs"]
    (result,) = run["results"]
    true = {"artifact": "digits.tflite", "artifact_sha256": hashlib.sha256(artifact).hexdigest()}
    run["results"] = [{**result, **true, "threads": threads} for threads in (1, 2)]
    (folder / "document.json").write_text(json.dumps(document))
    machine = dataclasses.replace(
        describe_machine(), system="linux", machine="aarch64", bits=64, libc="glibc", libc_version="2.36",
        python="3.11.2", python_tag="cp311", board="a board", numpy=None, pillow=None,
    )  # fmt: skip
    facts = {"machine": dataclasses.asdict(machine), "home": "/home/pi", "free_bytes": 1 << 33, "there": []}
    (folder / "facts.json").write_text(json.dumps(facts))
    client = folder / "ssh"
    client.write_text(
        a_device.client(
            f'exec {sys.executable} -I -S "{Path(hostile_answers.__file__).resolve()}" --play "{folder}" "$@"'
        )
    )
    client.chmod(0o755)


def meet(folder: Path, hosts: list[str]) -> dict[str, Any]:
    """Benchmark on hostile devices and on a good one; returns what went wrong and what it took."""
    output, peak = folder / "result.json", folder / "peak"
    for stale in (output, peak):
        stale.unlink(missing_ok=True)
    every = [*hosts[: len(hosts) // 2], GOOD, *hosts[len(hosts) // 2 :]]
    command = [
        sys.executable,
        "-c",
        _RUN.format(root=str(Path(__file__).parents[1]), peak=str(peak), main=_MAIN),
        "benchmark",
        str(folder / "digits.tflite"),
    ]
    command += ["--runtime", "litert", "--threads", "1,2", "--quick", "--timeout", "30", "--json", str(output)]
    command += [word for host in every for word in ("--host", host)]
    environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
    start = time.monotonic()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = subprocess.Popen(command, stdout=out, stderr=err, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - start
        for stream in (out, err):
            stream.seek(0)
        stdout, stderr = out.read(), err.read()
    peak_bytes = int(float(peak.read_text()) * 1e6) if peak.exists() else usage.ru_maxrss << 10
    problems = _judge(hosts, process.returncode, stdout, stderr, output)
    return {
        **problems, "seconds": seconds, "bytes": peak_bytes, "stderr": stderr.decode(errors="replace"),
        "well": [host for host in hosts if f"{host}: done\n".encode() in stderr],
    }  # fmt: skip


def _judge(hosts: list[str], status: int, stdout: bytes, stderr: bytes, output: Path) -> dict[str, Any]:
    told = stderr.decode(errors="replace").splitlines()
    failed = {host: [text for text in told if text.startswith(f"{host}: failed: ")] for host in hosts}
    well = [host for host in hosts if f"{host}: done" in told]
    try:
        runs = json.loads(output.read_text())["runs"]
    except (OSError, ValueError):
        runs = []
    mine = [run for run in runs if run["device"] in ("a board", f"a board ({GOOD})")]
    unclear = [host for host in hosts if len(failed[host]) != 1 and not (host in well and host.startswith("mutated-"))]
    controls = any(byte in stdout + stderr for byte in (b"\x1b", b"\x07", b"\x00"))
    return {
        "tracebacks": stderr.count(b"\nTraceback") + stderr.startswith(b"Traceback") + stderr.count(b"unexpected "),
        "crashes": int(status != (1 if len(well) < len(hosts) else 0)),
        "unclear": unclear + ["control characters"] * controls,
        "lost": int(len(mine) != 1 or len(mine[0]["results"]) != 2),
    }


def campaign(count: int, seed: int) -> dict[str, Any]:
    """Meet so many hostile devices: every kind in turn; returns figures and what failed."""
    numbers = [f"{name}-{seed * 1_000_000 + k}" for k in range(count) for name in [[*KINDS][k % len(KINDS)]]]
    random.Random(seed).shuffle(numbers)
    figures: dict[str, Any] = {"devices": count, "kinds": len(KINDS), "seed": seed}
    totals: Counter[str] = Counter(crashes=0, tracebacks=0, lost=0, unclear=0, well=0)
    failures: list[str] = []
    slowest, peak = 0.0, 0
    with tempfile.TemporaryDirectory() as scratch:
        prepare(Path(scratch))
        for k in range(0, count, TOGETHER):
            hosts = numbers[k : k + TOGETHER]
            met = meet(Path(scratch), hosts)
            totals.update({name: met[name] for name in ("crashes", "tracebacks", "lost")})
            totals.update(unclear=len(met["unclear"]), well=len(met["well"]))
            slowest, peak = max(slowest, met["seconds"]), max(peak, met["bytes"])
            if met["crashes"] or met["tracebacks"] or met["lost"] or met["unclear"]:
                failures.append(f"{' '.join(hosts)}: {met}")
    return {**figures, **totals, "slowest_s": round(slowest, 1), "peak_mb": peak >> 20, "failures": failures}


def passed(figures: dict[str, Any]) -> bool:
    """Whether nothing failed."""
    good = not any(figures[name] for name in ("crashes", "tracebacks", "lost", "unclear"))
    return good and figures["slowest_s"] <= LIMIT_S and figures["peak_mb"] <= LIMIT_BYTES >> 20


def main() -> int:
    """Run the campaign and print one line of figures; 1 when anything failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--only", nargs="+", help="devices of a campaign that failed")
    options = parser.parse_args()
    if options.only:
        with tempfile.TemporaryDirectory() as scratch:
            prepare(Path(scratch))
            print(json.dumps(meet(Path(scratch), options.only), indent=1))
        return 0
    figures = campaign(options.count, options.seed)
    for failure in figures.pop("failures"):
        print(failure)
    print("hostile devices:", ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in figures.items()))
    return 0 if passed(figures) else 1


if __name__ == "__main__":
    sys.exit(main())
