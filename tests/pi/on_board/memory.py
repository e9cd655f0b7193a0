"""Runs on a board and on this machine: the memory that ``digitrec-edge predict`` takes, at its peak.

``memory.py PICTURE`` prints JSON. Under emulation the process is QEMU, whose own memory must not count: there
/proc/self/maps lists the emulated program's memory alone, /proc/self/smaps everything, so the resident part of the
former is added up, every few milliseconds. Natively it is the kernel's own figure for the peak.
"""

import json
import re
import sys
import threading
from pathlib import Path

MAPPING = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) .{4} [0-9a-f]+ \S+ (\d+)\s*(\S*)")


def own_ranges() -> list[tuple[int, int]]:
    """Return the program's address ranges as it sees them itself."""
    found = (MAPPING.match(line) for line in Path("/proc/self/maps").read_text().splitlines())
    return [(int(match[1], 16), int(match[2], 16)) for match in found if match]


def resident_bytes() -> int:
    """Add up what is resident of the program's own ranges."""
    ranges, total, counts = own_ranges(), 0, False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        match = MAPPING.match(line)
        if match:
            start, end = int(match[1], 16), int(match[2], 16)
            counts = any(low < end and start < high for low, high in ranges)
        elif counts and line.startswith("Rss:"):
            total += int(line.split()[1]) * 1024
    return total


def peak_of_kernel() -> int:
    """Return the highest resident size of this process that the kernel has seen."""
    status = Path("/proc/self/status").read_text()
    found = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
    if not found:
        raise RuntimeError("/proc/self/status has no VmHWM")
    return int(found[1]) * 1024


def main(picture: Path) -> None:
    """Predict, and say what it took."""
    peak, done = [0], threading.Event()

    def watch() -> None:
        while not done.wait(0.005):
            peak[0] = max(peak[0], resident_bytes())

    watcher = threading.Thread(target=watch)
    watcher.start()
    from digitrec_edge import pretrained
    from digitrec_edge.preprocess import read_picture
    from runtimes import load

    with load(pretrained.DEFAULT) as model:
        prediction = model.predict(read_picture(picture))
        done.set()
        watcher.join()
        peak[0] = max(peak[0], resident_bytes())
    print(json.dumps({"digit": int(prediction.digits), "watched": peak[0], "kernel": peak_of_kernel()}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
