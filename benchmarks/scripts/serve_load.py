"""How many pictures a second `digitrec-edge serve` reads: ``python benchmarks/scripts/serve_load.py``.

wrk (apt-get install wrk) asks over and over, in turns with a bare Starlette application that answers "hello" to the
same requests, so that a machine that has other work slows both. The pictures are a hundred of the test set as PNG files
of 28 x 28 pixels, or those of ``--pictures``. ``--requests 200000`` goes on for so many and prints the memory of each
process on the way.
"""

import argparse
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from digitrec_edge import mnist
from digitrec_edge.installation.machine import describe_machine

HELLO = """
import sys, uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
async def read(request):
    return JSONResponse({"hello": len(await request.body())})
app = Starlette(routes=[Route("/v1/read", read, methods=["POST"])])
uvicorn.run(app, port=int(sys.argv[1]), log_level="error", access_log=False)
"""
LUA = """
local names, bodies, next = {{{names}}}, {{}}, 0
for k, name in ipairs(names) do
  local file = io.open(name, "rb"); bodies[k] = file:read("*a"); file:close()
end
request = function()
  next = next % #bodies + 1
  return wrk.format("POST", nil, {{["Content-Type"] = "image/png"}}, bodies[next])
end
"""
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class LoadTurn:
    """What wrk measured in one turn, and what it cost.

    Attributes:
        cpu_us: of all processes of the server, per request.
    """

    rate: float
    p50_ms: float
    p99_ms: float
    failed: int
    cpu_us: float


def family(process: int) -> list[int]:
    """The process and its children."""
    text = Path(f"/proc/{process}/task/{process}/children").read_text()
    return [process, *map(int, text.split())]


def cpu_s(process: int) -> float:
    """Seconds that a process and its children have computed."""
    fields = [Path(f"/proc/{one}/stat").read_text().rsplit(")", 1)[1].split() for one in family(process)]
    return sum(int(one[11]) + int(one[12]) for one in fields) / TICKS


def memory_mb(process: int) -> list[float]:
    """Megabytes of each that no other process shares."""
    found = []
    for one in family(process):
        text = Path(f"/proc/{one}/smaps_rollup").read_text()
        found.append(sum(int(kb) for kb in re.findall(r"Private_\w+:\s+(\d+) kB", text)) / 1000)
    return found


@contextmanager
def running(command: list[str], port: int) -> Iterator[int]:
    """Run a server until the block ends; yields its process."""
    process = subprocess.Popen([sys.executable, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        else:
            raise SystemExit("the server does not answer")
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def turn(port: int, process: int, script: Path, connections: int, seconds: float) -> LoadTurn:
    """Let wrk ask for some seconds."""
    before = cpu_s(process)
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "--latency", "--timeout", "30s", "-s", str(script)]
    text = subprocess.run(
        [*command, f"http://127.0.0.1:{port}/v1/read"], capture_output=True, text=True, check=True
    ).stdout
    count = int(re.findall(r"(\d+) requests in", text)[0])
    failed = sum(map(int, re.findall(r"Non-2xx or 3xx responses: (\d+)", text)))
    failed += sum(map(int, re.findall(r"(?:connect|read|write|timeout) (\d+)", text)))
    rate = float(re.findall(r"Requests/sec:\s+([\d.]+)", text)[0])
    times = {share: _ms(*re.findall(rf"{share}%\s+([\d.]+)(us|ms|s|m)\b", text)[0]) for share in (50, 99)}
    return LoadTurn(rate, times[50], times[99], failed, (cpu_s(process) - before) / max(count, 1) * 1e6)


def _ms(number: str, unit: str) -> float:
    return float(number) * {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}[unit]


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def write_script(folder: Path, pictures: list[Path]) -> Path:
    """Write what wrk sends: these pictures, or some of the test set."""
    if not pictures:
        for k, image in enumerate(mnist.load("test").images[:100]):
            pictures = [*pictures, folder / f"{k}.png"]
            Image.fromarray(image).save(pictures[-1])
    script = folder / "post.lua"
    script.write_text(LUA.format(names=", ".join(f'"{path.resolve()}"' for path in pictures)))
    return script


def report(name: str, turns: list[LoadTurn]) -> None:
    """Print the medians, and the fastest and slowest."""
    rates = [one.rate for one in turns]
    print(
        f"{name:8} {statistics.median(rates):9.1f} requests/s ({min(rates):.1f} to {max(rates):.1f})  "
        f"p50 {statistics.median(one.p50_ms for one in turns):.1f} ms  "
        f"p99 {statistics.median(one.p99_ms for one in turns):.1f} ms  "
        f"{statistics.median(one.cpu_us for one in turns):.0f} us of CPU a request  "
        f"{sum(one.failed for one in turns)} failed",
        flush=True,
    )


def compare(serve_port: int, serve: int, script: Path, given: argparse.Namespace) -> None:
    """Ask the service and the bare application in turns."""
    port = free_port()
    with running(["-c", HELLO, str(port)], port) as hello:
        turns: tuple[list[LoadTurn], list[LoadTurn]] = ([], [])
        for _ in range(given.rounds):
            turns[0].append(turn(serve_port, serve, script, given.connections, given.seconds))
            turns[1].append(turn(port, hello, script, given.connections, given.seconds))
    report("serve", turns[0])
    report("hello", turns[1])
    shares = [one.rate / other.rate for one, other in zip(*turns, strict=True)]
    print(f"serve / hello: {statistics.median(shares):.3f} ({min(shares):.3f} to {max(shares):.3f})")


def endure(port: int, process: int, script: Path, given: argparse.Namespace) -> None:
    """Ask many times, and print the memory on the way."""
    done, failed = 0, 0
    while True:
        memory = " ".join(f"{one:.1f}" for one in memory_mb(process))
        print(f"{done:9,} requests, {failed} failed, MB of each process: {memory}", flush=True)
        if done >= given.requests:
            return
        found = turn(port, process, script, given.connections, given.seconds)
        done, failed = done + round(found.rate * given.seconds), failed + found.failed


def main() -> None:
    """Start the service and load it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--requests", type=int, default=0, help="so many instead of rounds, with the memory")
    parser.add_argument("--pictures", type=Path, nargs="+", default=[], help="files to send instead")
    parser.add_argument("options", nargs="*", help="of digitrec-edge serve, after --")
    given = parser.parse_args()
    if shutil.which("wrk") is None:
        parser.error("wrk is not installed: apt-get install wrk")
    for path in given.pictures:
        if not path.is_file():
            parser.error(f"no such file: {path}")
    cpu = describe_machine().cpu.name
    print(f"{cpu}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {time.strftime('%Y-%m-%d %H:%M')}")
    port = free_port()
    command = ["-m", "digitrec_edge", "serve", "--port", str(port), *given.options]
    with tempfile.TemporaryDirectory() as name, running(command, port) as process:
        script = write_script(Path(name), given.pictures)
        turn(port, process, script, given.connections, 1)
        (endure if given.requests else compare)(port, process, script, given)


if __name__ == "__main__":
    main()
