"""A machine: a userland as a board sees it, with a home folder of its own; runs command lines."""

import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from emulated_pi import needs
from emulated_pi.boards import Board, write_faces
from emulated_pi.userland import BUILD, Userland

LOGIN = Path(__file__).with_name("login.sh")


@dataclass(frozen=True)
class Machine:
    """An emulated board.

    Attributes:
        home: becomes ``/home/pi``.
        disk: size of the disk below ``/home/pi``, such as ``5m``, lost after each command; None: unlimited.
    """

    userland: Userland
    board: Board
    home: Path
    disk: str | None = None

    def login(self) -> list[str]:
        """Return the command that takes a shell command line as its last argument and runs it on the board."""
        self.home.mkdir(parents=True, exist_ok=True)
        emulator = needs.program(f"{self.userland.emulator}-static")
        return [
            "sh", str(LOGIN), str(self.userland.root()), str(faces(self.board)), self.board.cpu, emulator,
            self.userland.elf_machine, str(self.home), self.disk or "",
        ]  # fmt: skip

    def run(
        self, command: str | Sequence[str], *, ok: bool = True, stdin: str = "", timeout_s: float = 560
    ) -> "subprocess.CompletedProcess[str]":
        """Run a shell command line, or a program with its arguments, on the board.

        Raises:
            AssertionError: it did not exit with 0 and ``ok`` is asked for.
        """
        line = command if isinstance(command, str) else shlex.join(command)
        done = subprocess.run(
            [*self.login(), line], input=stdin, capture_output=True, text=True, timeout=timeout_s, check=False
        )
        if ok and done.returncode:
            raise AssertionError(
                f"{self.board.name}$ {line}\nended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
            )
        return done


def faces(board: Board) -> Path:
    """Return the folder with the board's proc and sys files, written afresh."""
    folder = BUILD / "faces" / board.name
    write_faces(board, folder)
    return folder
