"""A campaign against a running service: ``python tests/hostile_requests.py --count 10000 --seed 0``.

Hostile pictures of ``tests/hostile_pictures.py`` as bodies and in forms, half requests and requests that break off, and
clients who send a byte now and then, all at once; meanwhile an honest client asks for the digit on a good picture, and
must get it each time. The service must still be the same process in the end, with the readers that it had and little
more memory.
"""

import argparse
import contextlib
import http.client
import itertools
import re
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path

if not __package__:  # run as a script
    sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

from digitrec_edge import mnist
from tests import hostile_pictures
from tests.serving import LIMIT_S, Serving, png, serving

ALLOWED = {200, 400, 408, 413, 422, 503, 504}
"""What a body may be answered with; anything else is a fault."""

MORE_MB = 100.0
"""What a process may have more in the end: pictures of some megapixels leave gaps in the heap."""

HALF = (
    b"POST /v1/read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000\r\n\r\nhalf",
    b"POST /v1/read HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nhalf",
    b"POST /v1/read HTTP/1.1\r\nHost: loc",
    b"GET",
    b"POST /v1/read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999\r\n\r\n",
    b"POST /v1/read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nContent-Length: 400\r\n\r\nhalf",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\x00\xff\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + b"X-Y: z\r\n" * 2000,
)


@dataclass
class Outcome:
    """What came of it all."""

    statuses: Counter[int] = field(default_factory=Counter)
    honest: int = 0
    faults: list[str] = field(default_factory=list)
    slowest_s: float = 0.0


class Campaign:
    """Attacks a service from several threads, and asks honestly meanwhile."""

    def __init__(self, service: Serving, seed: int, count: int) -> None:
        self._service, self._seed, self._count = service, seed, count
        self._files = hostile_pictures.good()
        self._numbers = itertools.count()
        self._over = threading.Event()
        self.outcome = Outcome()

    def run(self, threads: int = 4, slow: int = 40) -> Outcome:
        """Attack until all bodies are sent; what ends one of the threads ends the campaign."""
        with ThreadPoolExecutor(threads + 2) as pool:
            others = [pool.submit(self._ask_honestly), pool.submit(self._dawdle, slow)]
            attackers = [pool.submit(self._attack) for _ in range(threads)]
            wait(attackers)
            self._over.set()
        for one in (*attackers, *others):
            one.result()
        return self.outcome

    def _attack(self) -> None:
        while (number := next(self._numbers)) < self._count:
            body = hostile_pictures.make(self._files, self._seed, number)
            kind = "image/png"
            if number % 5 == 0:
                head = b'--x\r\nContent-Disposition: form-data; name="a"; filename="b"\r\n\r\n'
                body, kind = head + body + b"\r\n--x--\r\n", "multipart/form-data; boundary=x"
            query = "?multi=1" if number % 3 == 0 else ""
            try:
                status = self._service.read(body, query, Content_Type=kind).status
            except (OSError, http.client.HTTPException) as error:
                self.outcome.faults.append(f"body {number}: {error!r}")
                continue
            self.outcome.statuses[status] += 1
            if status not in ALLOWED:
                self.outcome.faults.append(f"body {number}: status {status}")
            if number % 4 == 0:
                self._send_half(HALF[number // 4 % len(HALF)])

    def _send_half(self, data: bytes) -> None:
        with contextlib.suppress(OSError), socket.create_connection(self._service.place, LIMIT_S) as client:
            client.sendall(data)

    def _dawdle(self, count: int) -> None:
        """Hold connections open and send a byte a second on each."""
        clients: list[socket.socket] = []
        head = itertools.cycle(b"POST /v1/read HTTP/1.1\r\nX: " + b"y" * 1000)
        try:
            while not self._over.wait(1.0):
                with contextlib.suppress(OSError):
                    while len(clients) < count:
                        clients.append(socket.create_connection(self._service.place, LIMIT_S))
                letter = bytes([next(head)])
                clients = [client for client in clients if _sent(client, letter)]
        finally:
            for client in clients:
                client.close()

    def _ask_honestly(self) -> None:
        picture = png(mnist.load("test").images[0])
        while not self._over.is_set():
            start = time.monotonic()
            try:
                reply = self._service.read(picture)
                good = reply.status in (503, 504) or reply.json["digit"] == 7
                if reply.status in (503, 504) or not good:
                    self.outcome.faults.append(f"an honest request: {reply.status} {reply.body[:200]!r}")
            except (OSError, http.client.HTTPException) as error:
                self.outcome.faults.append(f"an honest request: {error!r}")
            self.outcome.honest += 1
            self.outcome.slowest_s = max(self.outcome.slowest_s, time.monotonic() - start)
            self._over.wait(0.05)


def _sent(client: socket.socket, data: bytes) -> bool:
    try:
        client.sendall(data)
    except OSError:
        client.close()
        return False
    return True


def memory_mb(process: int) -> float:
    """Megabytes of a process and its children that no other shares."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    texts = [Path(f"/proc/{one}/smaps_rollup").read_text() for one in (process, *map(int, children))]
    return sum(int(kb) for text in texts for kb in re.findall(r"Private_\w+:\s+(\d+) kB", text)) / 1000


def report(service: Serving, campaign: Campaign, parts: int) -> Iterator[str]:
    """Run a campaign and tell what came of it, line by line; its faults are in its outcome."""
    picture = png(mnist.load("test").images[0])
    for _ in range(50):
        service.read(picture)
    before = memory_mb(service.process.pid)
    outcome = campaign.run()
    after = memory_mb(service.process.pid)
    yield f"{sum(outcome.statuses.values()):,} bodies, by status: {dict(sorted(outcome.statuses.items()))}"
    yield f"{outcome.honest:,} honest requests meanwhile, the slowest {outcome.slowest_s:.2f} s"
    lost = service.figure("digitrec_readers_lost_total")
    yield f"memory {before:.0f} MB before, {after:.0f} MB after; readers lost: {lost:.0f}"
    if service.process.poll() is not None:
        outcome.faults.append("the service has ended")
    if after - before > MORE_MB * parts:
        outcome.faults.append(f"memory grew by {after - before:.0f} MB")
    if service.get("/healthz").json != {"status": "ok", "readers": parts}:
        outcome.faults.append("not all readers are there")


def main(arguments: list[str]) -> int:
    """Run the campaign; 1 when there is a fault."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=int(np.random.default_rng().integers(1 << 31)))
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args(arguments)
    print(f"seed {given.seed}", flush=True)
    with serving("--workers", str(given.workers), "--max-connections", "64", "--max-body-mb", "48") as service:
        campaign = Campaign(service, given.seed, given.count)
        for line in report(service, campaign, given.workers):
            print(line, flush=True)
        for fault in campaign.outcome.faults[:50]:
            print(f"FAULT {fault}", flush=True)
    return 1 if campaign.outcome.faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
