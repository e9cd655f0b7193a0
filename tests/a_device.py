"""A device that is this machine: a program in the place of ssh runs the true device's side in a folder of its own.

At any file operation of the device, whichever of its processes comes to it, its power can be cut, or the desktop that
talks to it be killed. Without power its processes are killed at once, and nothing starts until it is back. Run as a
script, this file is the device's ``python3``: it answers the agent's requests, and stands in for ``venv`` and for pip,
which would take minutes and an index; what they make is a program that runs this checkout.
"""

import contextlib
import fcntl
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

PYTHON = f"""#!/bin/sh
exec "{sys.executable}" "{Path(__file__).resolve()}" "$@"
"""
SHELL = 'for last; do :; done; exec sh -c "$last"'
"""What ssh has the device do: run the last argument."""

STAY_ALIVE = 'exec 9<>"$HOME/../alive"; flock --shared 9; '
"""Hold what :func:`wait_until_quiet` waits for."""

NEVER = 1 << 30
DEVICE = 0
"""As a victim: the device itself, and no process of the desktop."""

PROGRAM = "env/bin/digitrec-edge"


def client(answer: str, connected: str = "") -> str:
    """Return a program in the place of ssh, whose connection is open at once.

    Args:
        answer: line of sh that answers a request.
        connected: what is run when the connection opens.
    """
    return f'#!/bin/sh\ncase "$*" in *"-O check"*) exit 0;; *" -N "*) {connected}exec sleep 600;; esac\n{answer}\n'


def make(folder: Path) -> None:
    """Make a device: its login's home, and the programs that reach it."""
    for name in ("home", "programs"):
        (folder / name).mkdir(parents=True)
    for name, text in (("ssh", client(SHELL, STAY_ALIVE)), ("python3", PYTHON)):
        _write_program(folder / "programs" / name, text)
    power_on(folder)


def small_wheel(folder: Path) -> Path:
    """Write a file of a wheel's name, in the place of the true one, into a folder."""
    folder.mkdir(exist_ok=True)
    path = folder / "digitrec_edge-0-py3-none-any.whl"
    path.write_bytes(bytes(1000))
    return path


def environment(folder: Path) -> dict[str, str]:
    """Return the variables with which this machine reaches the device, and no other."""
    return {"PATH": f"{folder / 'programs'}:{os.defpath}", "HOME": str(folder / "home")}


def power_on(folder: Path, point: int = NEVER, victim: int = DEVICE) -> None:
    """Give the device power; at its file operation ``point`` from now, counted from 1, the victim ends."""
    (folder / "off").unlink(missing_ok=True)
    (folder / "alive").touch()
    (folder / "power").write_text(f"{point} 0 {victim}")


def point(folder: Path) -> int:
    """Return where the power was set to go."""
    return int((folder / "power").read_text().split()[0])


def lost_power(folder: Path) -> bool:
    """Whether it came to that."""
    return (folder / "off").exists()


def operations(folder: Path) -> int:
    """Return how many file operations there were since the power came on."""
    return int((folder / "power").read_text().split()[1])


def wait_until_quiet(folder: Path) -> None:
    """Wait until no process of the device is left, nor a connection to it.

    Raises:
        AssertionError: one still is after a while.
    """
    end = time.monotonic() + 60
    with (folder / "alive").open("r+") as stream:
        while time.monotonic() < end:
            with contextlib.suppress(BlockingIOError):
                return fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            time.sleep(0.02)
    raise AssertionError("a process of the device or a connection to it is left")


def look(folder: Path) -> None:
    """Check what a deployment that was cut off left on the device.

    Raises:
        AssertionError: half an artifact, or half an environment that says it is ready.
    """
    from digitrec_edge import artifact, history

    root = folder / "home" / "digitrec-edge"
    assert artifact.read(root / history.CURRENT).card is not None
    for path in root.glob("artifacts/*/[!.]*.tflite"):
        assert artifact.read(path).card is not None, path
    assert history.read(root)
    for ready in root.glob("env-*/ready"):
        program = ready.parent / PROGRAM
        assert os.access(program, os.X_OK), f"{program} is no program"


def left_over(folder: Path) -> list[Path]:
    """Return what is temporary on the device, and what was begun and not finished."""
    root = folder / "home" / "digitrec-edge"
    unfinished = [path for path in root.glob("env-*") if not (path / "ready").exists()]
    return [*root.rglob(".*"), *root.rglob("wheels"), *unfinished]


def _count_operations(folder: Path, started_by_agent: bool) -> None:
    from tests.crash import Killer

    class PowerCut(Killer):
        def step(self, done: Callable[[], None] = lambda: None) -> None:
            """Count over all processes of the device."""
            with (folder / "power").open("r+") as stream:
                fcntl.flock(stream, fcntl.LOCK_EX)
                point, seen, victim = (int(word) for word in stream.read().split())
                stream.seek(0)
                stream.write(f"{point} {seen + 1} {victim}")
            if seen + 1 == point:
                done()
                self._end(victim)

        def _end(self, victim: int) -> None:
            if victim != DEVICE:
                os.kill(victim, signal.SIGKILL)
                return
            (folder / "off").touch()
            if started_by_agent:
                os.kill(os.getppid(), signal.SIGKILL)
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(PowerCut(NEVER, folder / "home"))


def _main(arguments: list[str]) -> None:
    folder = Path.home().parent
    if lost_power(folder):
        sys.exit(255)
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    alive = os.dup2(os.open(folder / "alive", os.O_RDWR), 99, inheritable=False)  # the agent uses 3
    fcntl.flock(alive, fcntl.LOCK_SH)
    _count_operations(folder, started_by_agent="AGENT" in os.environ)
    if arguments[0] == "-c":
        os.environ["AGENT"] = "yes"
        sys.argv = ["-c", *arguments[2:]]
        exec(compile(arguments[1], "agent", "exec"), {"__name__": "__main__"})
    elif arguments[:2] == ["-m", "venv"]:
        Path(arguments[-1], "bin").absolute().mkdir(parents=True)
        _write_program(Path(arguments[-1], "bin", "python"), '#!/bin/sh\nexec python3 "$@"\n')
    elif arguments[:3] == ["-I", "-m", "digitrec_edge.placing"]:
        from digitrec_edge import placing

        sys.argv = arguments[2:]
        placing.main()
    elif arguments[:2] == ["-m", "digitrec_edge"]:
        from digitrec_edge.cli import main

        sys.argv = ["digitrec-edge", *arguments[2:]]
        main()
    else:  # pip
        _write_program(Path(PROGRAM), '#!/bin/sh\nexec python3 -m digitrec_edge "$@"\n')


def _write_program(path: Path, text: str) -> None:
    """Write it as an installer does: half of it first, and what makes it a program last."""
    path = path.absolute()
    path.write_text(text[: len(text) // 2])
    path.write_text(text)
    path.chmod(0o755)


if __name__ == "__main__":
    _main(sys.argv[1:])
