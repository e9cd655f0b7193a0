"""Steps on the Pi: it is deployed to, serves, reads and watches."""

import json
import socket
from collections.abc import Iterator
from urllib.error import HTTPError

from digitrec_edge.files import sha256
from whole_loop import hand
from whole_loop.loop import LIMIT_S, Loop, demand, until

CORRECTED, UNSEEN = range(400), range(500, 700)
"""Which digits may be corrected if they are kept, and which nobody ever corrects."""

ENOUGH = 100
"""So many are corrected."""

NOT_ONE_DIGIT = 422
"""The status of a picture in whose strokes two digits are seen, one picture of this hand in 200."""

METER = range(507, 519)
"""Digits that watch sees, three pictures of each."""

KEEPING = "--keep unsure --collection ~/digitrec-edge/collection.sqlite"
"""Service and watch keep in one file, which ``collect`` finds."""


def deploy_the_first(loop: Loop) -> str:
    """Put the first artifact and the service on the Pi."""
    (device,) = loop.devices(loop.old, "--extra", "serve")
    loop.program = device["command"].split()[0]
    demand(device["placed"]["sha256"] == sha256(loop.old.read_bytes()), "another artifact is in place")
    return f"{loop.old.name} is in place; {device['placed']['report'][1].partition(';')[0]}"


def serve(loop: Loop) -> str:
    """Start the service there, and a tunnel to it."""
    options = f"{KEEPING} --workers 2 --port 0"
    served = loop.ssh(f"echo $$; exec {loop.program} serve ~/digitrec-edge/current {options}")
    assert served.stdout
    loop.process = int(served.stdout.readline())
    line = next((line for line in served.stdout if line.startswith("listening at ")), "")
    there = line.rstrip("/\n").rpartition(":")[2]
    demand(there.isdecimal(), f"the service does not say where it listens: {line!r}")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        loop.port = probe.getsockname()[1]
    loop.ssh("", "-N", "-o", "ExitOnForwardFailure=yes", "-L", f"127.0.0.1:{loop.port}:127.0.0.1:{there}")
    until("an answer through the tunnel", lambda: _answers(loop))
    return f"it answers on the Pi's port {there}, reached by ssh -L"


def _answers(loop: Loop) -> bool:
    try:
        return bool(loop.over_http("/healthz"))
    except OSError:
        return False


def _read(loop: Loop, places: range) -> Iterator[tuple[int, bool, list[str]]]:
    """Read digits of the hand there; yields each digit, whether it was read right, and the ids of what was kept."""
    for digit, picture in zip(hand.labels(places), hand.pictures(places), strict=True):
        try:
            answer = loop.over_http("/v1/read", picture)
        except HTTPError as error:
            demand(error.code == NOT_ONE_DIGIT, f"POST /v1/read is answered with {error.code}")
            yield digit, False, []
        else:
            yield digit, answer["digit"] == digit, answer["kept"]


def read(loop: Loop) -> str:
    """Read the hand until enough was kept on the Pi, which is what the model is unsure of."""
    rights = pictures = 0
    for digit, right, kept in _read(loop, CORRECTED):
        loop.truth.update(dict.fromkeys(kept, digit))
        pictures, rights = pictures + 1, rights + right
        if len(loop.truth) >= ENOUGH:
            break
    demand(len(loop.truth) >= ENOUGH, f"only {len(loop.truth)} of {pictures} pictures were kept")
    loop.unseen_right = sum(right for _, right, _ in _read(loop, UNSEEN))
    return (
        f"{rights} of {pictures} pictures read right, {len(loop.truth)} kept as unsure; "
        f"{loop.unseen_right} of {len(UNSEEN)} others right"
    )


def watch(loop: Loop) -> str:
    """Watch a folder of pictures there."""
    loop.watched_right = _watch(loop)
    return f"{loop.watched_right} of {len(METER)} digits given, none wrong; no digit, or unsure, is null"


def _watch(loop: Loop) -> int:
    """Watch the hand there, three pictures of each digit; returns how many were given; none may be wrong."""
    folder = loop.home / "meter"
    folder.mkdir(exist_ok=True)
    for k, picture in enumerate(hand.pictures(METER)):
        for copy in range(3):
            (folder / f"{k}-{copy}.png").write_bytes(picture)
    options = f"--model ~/digitrec-edge/current --agree 3 --null-after 3 --min-confidence 0.98 {KEEPING}"
    process = loop.ssh(f"exec {loop.program} watch ~/meter {options}")
    output, _ = process.communicate(timeout=LIMIT_S)
    demand(process.returncode == 0, f"watch ended with {process.returncode}")
    readings = [json.loads(line) for line in output.splitlines()]
    demand(bool(readings), "watch gave no reading, not even null")
    given = {one["frame"]: one["value"] for one in readings if one["value"] is not None}
    truth = {frame: str(hand.labels(METER)[int(frame.partition("-")[0])]) for frame in given}
    demand(given == truth, f"watch gave {given}, where {truth} is to be seen")
    return len(given)


def deploy_again(loop: Loop) -> str:
    """Put the new artifact in place, behind what was corrected as a canary; the service exchanges its model."""
    (device,) = loop.devices(loop.new, "--extra", "serve", "--canary", loop.folder / "digits.npz")
    canary, wanted = device["placed"]["canary"], sha256(loop.new.read_bytes())
    demand(canary["right"] > canary["right_before"], f"the canary is not read better: {canary}")
    seconds = until("the exchange", lambda: loop.over_http("/v1/card")["sha256"] == wanted)
    return (
        f"canary: {canary['right']} of {canary['images']} right, {canary['right_before']} before; "
        f"the service has exchanged its model after {seconds:.0f} s"
    )


def read_again(loop: Loop) -> str:
    """Read digits of the hand that nobody has ever corrected: half of the errors are gone, at least."""
    right = sum(right for _, right, _ in _read(loop, UNSEEN))
    errors, before = len(UNSEEN) - right, len(UNSEEN) - loop.unseen_right
    demand(2 * errors <= before, f"{errors} errors of {len(UNSEEN)} are left, there were {before}")
    return f"{right} of {len(UNSEEN)} others right, {loop.unseen_right} before"


def watch_again(loop: Loop) -> str:
    """Watch the same folder again."""
    given = _watch(loop)
    demand(given > loop.watched_right, f"watch gives {given} digits, and gave {loop.watched_right}")
    return f"{given} of {len(METER)} digits given, none wrong; {loop.watched_right} before"


def stop(loop: Loop) -> str:
    """Stop the service, and see what the device says of it all."""
    loop.stop()
    events = loop.devices("--history")
    happened = [event["event"] for event in events]
    wanted = ["deployed", "serving", "deployed", "exchanged", "stopped"]
    demand(happened == wanted, f"the history says {happened}, not {wanted}")
    demand(events[3]["sha256"] == sha256(loop.new.read_bytes()), "another artifact was exchanged")
    return "the history: " + ", ".join(f"{event['event']} {event['sha256'][:8]}" for event in events)
