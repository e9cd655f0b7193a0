"""A device: its machine, and what it says of the login's home folder."""

import dataclasses
import re
from dataclasses import dataclass
from typing import Annotated

from digitrec_edge.installation.machine import Machine
from digitrec_edge.installation.wheels import wheels_for
from digitrec_edge.records import Text, Within

_SHAPES = {
    "machine": r"[a-z0-9_]{1,40}",
    "libc": "glibc|musl|",
    "libc_version": r"(\d{1,2}\.\d{1,3}(\.\d{1,9}){0,2})?",
    "python": r"\d{1,2}\.\d{1,3}\.\d{1,3}([a-z]+\d*)?\+?",
    "python_tag": "[a-z]{2,20}[0-9]{1,6}t?",
    "numpy": r"[\w.+!-]{1,40}",
    "pillow": r"[\w.+!-]{1,40}",
}
"""What the facts look like that decide what is installed, and that programs here are started with."""

_RANGES = {"bits": (32, 64), "memory_bytes": (0, 1 << 50)}
_TEXT_LIMIT = 4096


@dataclass(frozen=True)
class Device:
    """What a device says of itself, as its side of the connection (agent.py) answers.

    Attributes:
        machine: as ``doctor`` describes it there, with the Python that ``python3`` is.
        home: folder of the login.
        free_bytes: on the disk of the home folder.
        there: of the paths that were asked for, those that exist.
    """

    machine: Machine
    home: Text
    free_bytes: Annotated[int, Within(0, 1 << 60)]
    there: tuple[Text, ...]

    def __post_init__(self) -> None:
        """Refuse facts that no machine has, before anything is decided by them."""
        for field in dataclasses.fields(self.machine):
            name, value = field.name, getattr(self.machine, field.name)
            low, high = _RANGES.get(name, (0, _TEXT_LIMIT))
            size = len(value) if isinstance(value, str | tuple) else value
            if isinstance(size, int) and not low <= size <= high:
                raise ValueError(f"{name} of the machine is {size:,}, {low:,} to {high:,} is allowed")
            if value is not None and name in _SHAPES and not re.fullmatch(_SHAPES[name], value, re.ASCII):
                raise ValueError(f"{name} of the machine is {value[:40]!r}, which is none")
        if not 1 <= self.machine.cpu.cores <= 1 << 16:
            raise ValueError(f"the machine has {self.machine.cpu.cores:,} cores, 1 to {1 << 16:,} is allowed")
        if len(self.machine.cpu.name) > _TEXT_LIMIT:
            raise ValueError("the name of the processor is too long")

    @property
    def provided(self) -> tuple[str, ...]:
        """Distributions that an environment shares with the system's Python: what has no wheels for 32 bits."""
        if self.machine.numpy is None or wheels_for("numpy", self.machine):
            return ()
        return ("numpy", "pillow") if self.machine.pillow else ("numpy",)

    def describe(self) -> str:
        """Return a few words about it."""
        return f"{self.machine.board or self.machine.machine}, Python {self.machine.python}"
