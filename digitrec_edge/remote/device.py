"""A device: its machine, and what it says of the login's home folder."""

from dataclasses import dataclass

from digitrec_edge.installation.machine import Machine
from digitrec_edge.installation.wheels import wheels_for


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
    home: str
    free_bytes: int
    there: tuple[str, ...]

    @property
    def provided(self) -> tuple[str, ...]:
        """Distributions that an environment shares with the system's Python: what has no wheels for 32 bits."""
        if self.machine.numpy is None or wheels_for("numpy", self.machine):
            return ()
        return ("numpy", "pillow") if self.machine.pillow else ("numpy",)

    def describe(self) -> str:
        """Return a few words about it."""
        return f"{self.machine.board or self.machine.machine}, Python {self.machine.python}"
