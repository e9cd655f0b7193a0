"""The device's side of a connection: sent along with each request, run by the device's own Python.

Nothing of this project needs to be on the device yet, so this file imports the standard library only, and
keeps to the syntax of Python 3.6, so that a Python that is too old can say so. The sources of two more modules come
along: which Pythons will do, and how a machine is described. A request is one line of JSON on
standard input, what belongs to it follows. Answers are lines of JSON behind a mark; the last is ``done``
or ``error``: an answer without either was cut off.
"""

import base64
import errno
import fcntl
import hashlib
import json
import os
import platform
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
import types
from pathlib import Path
from typing import IO, Any

MARK = "digitrec-edge:"
CARRIED = {}  # type: dict[str, str]
"""Sources that came along, by the names of their modules."""

BUSY = "another digitrec-edge is at work there; wait for it"
HEARTBEAT_LIMIT_S = 30.0
ALIVE_S = 5.0
CHUNK = 1 << 16
LINE_BYTES = 1 << 13
"""Of what a program prints; a longer line goes in parts."""


class RefusedError(Exception):
    """A request that cannot be met: its kind, and why."""


_output = threading.Lock()


def say(**fields: Any) -> None:
    """Send one line."""
    with _output:
        os.write(3, (MARK + json.dumps(fields) + "\n").encode())


def read_request() -> "dict[str, Any]":
    """Read the first line, and not a byte more."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            raise RefusedError("lost", "the connection ended before the request")
        line += byte
    return json.loads(line.decode())


def carried(name: str) -> Any:
    """Import a module of digitrec_edge.installation whose source came along."""
    module = types.ModuleType(name)
    sys.modules[name] = module  # where dataclasses look for it
    exec(compile(CARRIED[name], name + ".py", "exec"), module.__dict__)
    return module


def facts(request: "dict[str, Any]") -> "dict[str, Any]":
    """Say what this device is; ``paths`` of the request are looked for."""
    import dataclasses

    return {
        "machine": dataclasses.asdict(carried("machine").describe_machine()),
        "home": str(Path.home()),
        "free_bytes": shutil.disk_usage(str(Path.home())).free,
        "there": [path for path in request["paths"] if Path(path).expanduser().exists()],
    }


def receive(request: "dict[str, Any]") -> "dict[str, Any]":
    """Take files whose bytes follow the request; each is there whole, or not at all."""
    folder = Path(request["folder"]).expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    _remove_stale(folder)
    for entry in request["files"]:
        final = folder / entry["name"]
        part = folder / f".part-{os.getpid()}-{entry['name']}"
        try:
            _receive_one(entry, part)
            part.replace(final)
        finally:
            if part.exists():
                part.unlink()
    return {"folder": str(folder)}


def _remove_stale(folder: Path) -> None:
    """Remove what was left when the power went; what another process is at right now stays."""
    for path in folder.glob(".part-*-*"):
        try:
            os.kill(int(path.name.split("-")[1]), 0)
        except ProcessLookupError:
            path.unlink()
        except (PermissionError, OverflowError, ValueError):
            continue  # somebody else's process, or a file that is none of ours


def _receive_one(entry: "dict[str, Any]", part: Path) -> None:
    digest, left = hashlib.sha256(), entry["size"]
    with part.open("wb") as stream:
        while left:
            chunk = os.read(0, min(CHUNK, left))
            if not chunk:
                raise RefusedError("lost", "the connection ended within " + entry["name"])
            stream.write(chunk)
            digest.update(chunk)
            left -= len(chunk)
        stream.flush()
        os.fsync(stream.fileno())
    if digest.hexdigest() != entry["sha256"]:
        raise RefusedError("damaged", entry["name"] + " came damaged: its sha256 is another")


def remove(request: "dict[str, Any]") -> "dict[str, Any]":
    """Remove files and folders; what is not there is no error."""
    for name in request["paths"]:
        path = Path(name).expanduser()
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(str(path))
        elif path.exists() or path.is_symlink():
            path.unlink()
    return {}


def run(request: "dict[str, Any]") -> "dict[str, Any]":
    """Run a program while the other side is there; fetch files that it leaves.

    When the other side goes, the program ends, and a ``passing`` folder goes with it. Without the file that it
    ``needs`` nothing is run.
    """
    lock = _lock(Path(request["lock"]).expanduser()) if request["lock"] else None
    if request["needs"] and not Path(request["needs"]).expanduser().exists():
        raise RefusedError("busy", BUSY)
    folder, home = Path(request["folder"]).expanduser(), str(Path.home())
    argv = [home + word[1:] if word.startswith("~/") else word for word in request["argv"]]
    environment = dict(os.environ, **request["environment"])
    child = subprocess.Popen(
        argv,
        cwd=str(folder),
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        reader = threading.Thread(target=_pass_on, args=(child.stdout,), daemon=True)
        reader.start()
        _watch(child, request["limit_s"])
        reader.join(10)
    except RefusedError:
        _end(child)
        if request["passing"]:
            shutil.rmtree(str(folder), ignore_errors=True)
        raise
    finally:
        _end(child)
        if lock:
            lock.close()
    for name in request["fetch"]:
        path = folder / name
        if path.exists():
            send(name, path)
    return {"status": child.returncode}


def send(name: str, path: Path) -> None:
    """Send a file in parts, and what the whole must come to."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        for data in iter(lambda: stream.read(CHUNK), b""):
            digest.update(data)
            say(file=name, data=base64.b64encode(data).decode())
    say(file=name, sha256=digest.hexdigest())


def _lock(path: Path) -> "IO[str]":
    path.parent.mkdir(parents=True, exist_ok=True)
    stream = path.open("w")
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise RefusedError("busy", BUSY) from None
    return stream


def _pass_on(stream: "IO[bytes]") -> None:
    for line in iter(lambda: stream.readline(LINE_BYTES), b""):
        try:
            say(line=line.decode(errors="replace").rstrip("\n"))
        except OSError:
            return  # the other side is gone; _watch sees it, too


def _watch(child: "subprocess.Popen[bytes]", limit_s: float) -> None:
    """Wait for the end of the program, of the other side's heartbeat, or of the time, whichever is first."""
    ended = []  # type: list[int]
    for number in (signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, lambda number, frame: ended.append(number))
    start = heard = time.monotonic()
    while child.poll() is None:
        ready, _, _ = select.select([0], [], [], 0.1)
        now = time.monotonic()
        if ready:
            if not os.read(0, CHUNK):
                raise RefusedError("lost", "the connection ended")
            heard = now
        if ended or now - heard > HEARTBEAT_LIMIT_S:
            raise RefusedError("lost", "the other side is gone")
        if now - start > limit_s:
            raise RefusedError("time", f"it took longer than {limit_s:.0f} s")


def _end(child: "subprocess.Popen[bytes]") -> None:
    """End the program and whatever it started."""
    for number, patience_s in ((signal.SIGTERM, 3.0), (signal.SIGKILL, 3.0)):
        try:
            os.killpg(child.pid, number)
        except OSError:
            break
        try:
            child.wait(patience_s)
        except subprocess.TimeoutExpired:
            continue
    child.wait()


REQUESTS = {"facts": facts, "receive": receive, "remove": remove, "run": run}


def _stay_heard() -> None:
    """Say every few seconds that this side is there, as long as it is."""
    while True:
        time.sleep(ALIVE_S)
        try:
            say(alive=True)
        except OSError:
            return


def main(sources: "dict[str, str]") -> None:
    """Answer one request; standard output is for answers only."""
    CARRIED.update(sources)
    os.dup2(1, 3)
    os.dup2(2, 1)
    threading.Thread(target=_stay_heard, daemon=True).start()
    try:
        if not carried("pythons").supported(sys.version_info[:2]):
            raise RefusedError("python", platform.python_version())
        request = read_request()
        say(done=REQUESTS[request["what"]](request))
    except RefusedError as error:
        kind, message = error.args
        _last_words(kind, message)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        _last_words("disk" if full else "system", str(error))


def _last_words(kind: str, message: str) -> None:
    try:
        say(error={"kind": kind, "message": message})
    except OSError:
        sys.exit(1)  # nobody listens any more
