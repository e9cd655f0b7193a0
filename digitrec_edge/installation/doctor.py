"""The doctor: what this machine is, which parts of the installation work on it, and what to type to install.

Each part is tried for real, and where it can hurt nobody: in a child process.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from digitrec_edge import __version__, child
from digitrec_edge.installation.advice import Advice, advise
from digitrec_edge.installation.machine import Machine, describe_machine
from digitrec_edge.installation.wheels import WHEELS, why_none
from digitrec_edge.pip_lines import install_extra
from digitrec_edge.records import parse
from digitrec_edge.variants import TOOLS
from runtimes.table import RUNTIMES

WORKS, MISSING, BROKEN, UNTRIED = "works", "missing", "broken", "not tried"
TIMEOUT_S = 180.0
"""For one child; importing TensorFlow takes 5 s on a desktop, a runtime at most 20 s on an emulated board."""

_WITH_WHEELS = frozenset(wheel.distribution for wheel in WHEELS)

NEXT = ("digitrec-edge predict PICTURE", "digitrec-edge benchmark")
"""What to type where a runtime works; where nothing was exported, the pretrained artifacts are measured."""

PROBE = "digitrec_edge.installation.probe:try_part"


@dataclass(frozen=True)
class Part:
    """Something to try.

    Attributes:
        name: what people call it.
        distribution: its name in the package index.
        target: what the probe tries: ``numpy``, ``pillow``, ``runtime:NAME``, or a module to import.
        extra: the extra that installs it; empty for what every installation has.
        cure: what to do where it is missing and no extra brings it.
    """

    name: str
    distribution: str
    target: str
    extra: str
    cure: str = "the package needs it"


@dataclass(frozen=True)
class Examination:
    """What came of trying a part.

    Attributes:
        status: ``works``, ``missing``, ``broken`` or ``not tried``.
        detail: what it did, or why it does not work and what helps.
    """

    name: str
    status: str
    version: str | None
    detail: str


@dataclass(frozen=True)
class Report:
    """All that the doctor has to say.

    Attributes:
        convert: the tools of training and export; optional, a device needs none of them.
    """

    version: str
    machine: Machine
    base: tuple[Examination, ...]
    runtimes: tuple[Examination, ...]
    convert: tuple[Examination, ...]
    advice: Advice

    @property
    def ready(self) -> bool:
        """Whether at least one runtime works."""
        return any(runtime.status == WORKS for runtime in self.runtimes)

    @property
    def trains(self) -> bool:
        """Whether this is a machine to train on: TensorFlow is installed, be it broken; a device has no use for it."""
        return any(part.status != MISSING for part in self.convert[:1])


@dataclass(frozen=True)
class _Answer:
    """A line of the probe's."""

    status: str
    version: str | None
    detail: str


BASE = (Part("numpy", "numpy", "numpy", ""), Part("Pillow", "pillow", "pillow", ""))
CONVERT = tuple(
    Part(name, name, name.replace("-", "_"), "convert")
    for name in dict.fromkeys((*TOOLS, "h5py", "flatbuffers", "numba"))
    if name not in [row.distribution for row in RUNTIMES]
)


def consult(on_part: Callable[[str], None]) -> Report:
    """Describe this machine, try every part and advise.

    Args:
        on_part: is told what is tried next.
    """
    machine = describe_machine()
    on_part("numpy and Pillow")
    base = examine(BASE, machine)
    runtimes: list[Examination] = []
    for row in RUNTIMES:
        if base[0].status == WORKS:
            on_part(row.name)
            runtimes += examine([Part(row.name, row.distribution, f"runtime:{row.name}", row.extra, row.cure)], machine)
        else:
            runtimes.append(Examination(row.name, UNTRIED, None, "numpy must work first"))
    on_part("the tools of training and export")
    convert = examine(CONVERT, machine)
    return Report(__version__, machine, tuple(base), tuple(runtimes), tuple(convert), advise(machine))


def examine(parts: Sequence[Part], machine: Machine, timeout_s: float = TIMEOUT_S) -> list[Examination]:
    """Try parts one after another in a child process; a part that kills it is broken, the rest get another child.

    Args:
        parts: what to try.
        machine: this one, to say of what is missing whether it can be had here.
        timeout_s: how long a child may take.
    """
    found: list[Examination] = []
    while len(found) < len(parts):
        left = parts[len(found) :]
        requests = [{"target": part.target, "distribution": part.distribution} for part in left]
        replies, death = child.ask_each(PROBE, requests, timeout_s)
        answers = [parse(_Answer, reply["answer"], "answer") for reply in replies]
        for part, answer in zip(left, answers, strict=False):
            detail = _where_to_get(part, machine) if answer.status == MISSING else answer.detail
            found.append(Examination(part.name, answer.status, answer.version, detail))
        if len(answers) < len(left):
            found.append(Examination(left[len(answers)].name, BROKEN, None, death))
    return found


def _where_to_get(part: Part, machine: Machine) -> str:
    if not part.extra:
        return f"not installed; {part.cure}"
    obstacle = why_none(part.distribution, machine) if part.distribution in _WITH_WHEELS else ""
    return f"cannot be installed here: {obstacle}" if obstacle else f"not installed: {install_extra(part.extra)}"
