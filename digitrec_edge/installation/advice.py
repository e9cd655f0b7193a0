"""What to type on a machine to install this package there, decided from facts about the machine alone."""

from dataclasses import dataclass

from digitrec_edge import __version__
from digitrec_edge.dense.library import library_for
from digitrec_edge.installation import pythons
from digitrec_edge.installation.machine import Machine
from digitrec_edge.installation.wheels import EXTRAS, wheels_for, why_none

_POSIX_VENV, _WINDOWS_VENV = "~/digitrec", r"%USERPROFILE%\digitrec"


@dataclass(frozen=True)
class Advice:
    """How to install on one machine.

    Attributes:
        extra: the extra that brings a runtime; empty where digitrec-edge's own kernels are all that there is, None when
            no runtime can be had there.
        before: lines to type before, in their order.
        pip_line: the line that installs; None when the package cannot be installed with this Python.
        notes: what a person should know, a sentence or two each.
    """

    extra: str | None
    before: tuple[str, ...]
    pip_line: str | None
    notes: tuple[str, ...]


def advise(machine: Machine, version: str = __version__) -> Advice:
    """Work out the lines to type.

    Args:
        machine: where to install.
        version: of this package, which is in the name of its wheel.
    """
    python = _python_version(machine)
    if not (pythons.supported(python) and machine.python_tag.startswith("cp")):
        return Advice(None, (), None, (_wrong_python(machine, python),))
    possible = [extra for extra, distribution in EXTRAS if wheels_for(distribution, machine)]
    own = has_own_kernels(machine)
    if own and possible == ["onnx"]:  # the pretrained artifact is none of its own
        possible = []
    extra = possible[0] if possible else "" if own else None
    before, pip = _environment(machine, system_numpy=_needs_system_numpy(machine, extra))
    quote = '"' if machine.system == "windows" else "'"
    wheel = f"digitrec_edge-{version}-py3-none-any.whl" + (f"[{extra}]" if extra else "")
    return Advice(extra, before, f"{pip} install {quote}{wheel}{quote}", tuple(_notes(machine, possible, before)))


def has_own_kernels(machine: Machine) -> bool:
    """Whether the kernels that ship with digitrec-edge run on a machine."""
    return machine.system == "linux" and library_for(machine.machine) is not None


def _python_version(machine: Machine) -> tuple[int, int]:
    major, minor = machine.python.split(".")[:2]
    return int(major), int(minor)


def _wrong_python(machine: Machine, python: tuple[int, int]) -> str:
    newest = pythons.name_version(pythons.NEWEST)
    wrong = f"Python {machine.python} is too {'old' if python < pythons.OLDEST else 'new'}"
    if pythons.supported(python):
        wrong = f"this Python ({machine.python_tag}) is not CPython, and the runtimes have wheels for CPython alone"
    windows = machine.system == "windows"
    venv = rf"py -{newest} -m venv {_WINDOWS_VENV}" if windows else f"python{newest} -m venv {_POSIX_VENV}"
    return (
        f"{wrong[0].upper()}{wrong[1:]}: CPython {pythons.RANGE} is needed. "
        f"Install one beside it and make a virtual environment with it: {venv}"
    )


def _needs_system_numpy(machine: Machine, extra: str | None) -> bool:
    """Whether numpy must come from the distribution: it has no wheel for the machine and none is installed."""
    numpy_1 = extra == "tflite"
    if any(wheel.version.startswith("1.") or not numpy_1 for wheel in wheels_for("numpy", machine)):
        return False
    installed = machine.in_venv and machine.numpy is not None
    return not (installed and (not numpy_1 or str(machine.numpy).startswith("1.")))


def _environment(machine: Machine, *, system_numpy: bool) -> tuple[tuple[str, ...], str]:
    """Return the lines that make a place to install to, and the pip of that place."""
    if not system_numpy and (machine.in_venv or not machine.externally_managed):
        return (), machine.pip_command
    packages = ["python3-numpy", "python3-pil"] if system_numpy else []
    packages += [] if machine.has_venv else ["python3-venv"]
    lines = [f"sudo apt install {' '.join(packages)}"] if packages and "debian" in machine.os_family else []
    share = " --system-site-packages" if system_numpy else ""
    windows = machine.system == "windows"
    folder = _WINDOWS_VENV if windows else _POSIX_VENV
    python = "python3" if machine.in_venv else machine.python_command
    lines.append(f"{python} -m venv{share} {folder}")
    return tuple(lines), rf"{folder}\Scripts\pip" if windows else f"{folder}/bin/pip"


def _notes(machine: Machine, possible: list[str], before: tuple[str, ...]) -> list[str]:
    notes = [
        "The wheel is what 'make wheel' leaves in dist/, or in dist/device/ without the training images, which only "
        "training needs; copy it to this machine and type this beside it."
    ]
    if machine.externally_managed and not machine.in_venv:
        notes.append("The system manages this Python (PEP 668), so pip installs into a virtual environment.")
    if any("--system-site-packages" in line for line in before):
        notes.append(
            f"numpy and Pillow have no wheels for {machine.machine} on the index: they come from the distribution."
        )
    if possible == ["onnx"]:
        notes.append(
            "ONNX Runtime is the only runtime with wheels for this machine. It runs .onnx artifacts; the pretrained "
            "artifact is .tflite, so give predict an exported one: --model digitrec-int8.onnx"
        )
    if possible[:2] == ["tflite", "litert"]:
        notes.append(
            "The extra litert installs here too: larger, not bound to numpy 1, and several times faster with int8."
        )
    if not possible and has_own_kernels(machine):
        notes.append(
            "No extra is needed: digitrec-edge's own kernels (the runtime native) run int8 and int4 .tflite artifacts "
            "here, the pretrained one among them, with LiteRT's answers."
        )
    elif not possible:
        notes += _no_runtime(machine)
    if (machine.machine == "x86_64" or machine.system == "macos") and wheels_for("tensorflow", machine):
        notes.append("To train and export here as well, add the extra convert (TensorFlow, 2 GB).")
    return notes


def _no_runtime(machine: Machine) -> list[str]:
    reasons = "; ".join(f"{distribution}: {why_none(distribution, machine)}" for _, distribution in EXTRAS)
    return [
        f"No runtime can be installed: {reasons}.",
        "Here the base installation works: it reads and checks artifacts.",
    ]
