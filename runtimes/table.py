"""The runtimes: one row each, the newest for a format first; ``auto`` goes down this table.

Everything that differs between runtimes stands in its row, and all else follows from the rows: options and help
texts, the extras that ``doctor`` advises, targets of an export, colours of the report. Reading the table needs
neither numpy nor any runtime. ``docs/extending.md`` adds a row step by step.
"""

import os
from collections.abc import Iterable, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Protocol, TypeVar, cast

from digitrec_edge.errors import BrokenRuntimeError, InputError, NotInstalledError
from digitrec_edge.frozen import Frozen
from digitrec_edge.pip_lines import install, install_extra

if TYPE_CHECKING:
    from digitrec_edge.artifact import Artifact
    from runtimes.session import Session


AUTO = "auto"
"""Stands for the first installed runtime that runs the artifact."""


class RuntimeModule(Protocol):
    """What every runtime module offers."""

    def open_session(self, found: "Artifact", threads: int) -> "Session":
        """Load the model of a file that was found whole."""
        ...


class Presence(Protocol):
    """How to see whether a runtime is here; one that is no package of the index brings a class of its own."""

    @property
    def distribution(self) -> str:
        """Its name in the package index; empty for one that is not installed from there."""
        ...

    def version(self) -> str | None:
        """Return the version that is here, None when it is not; says nothing about whether it works."""
        ...


class IndexPackage(Frozen):
    """A runtime that pip installs.

    Attributes:
        package: the runtime's own top-level module.
        distribution: its name in the package index.
    """

    package: str
    distribution: str

    def version(self) -> str | None:
        """See Presence."""
        spec = find_spec(self.package)
        if spec is None:
            return None
        if version := self._version_beside(spec.submodule_search_locations or ()):
            return version
        from importlib import metadata  # with all that it imports a tenth of a predict

        try:
            return metadata.version(self.distribution)
        except metadata.PackageNotFoundError:
            return None

    def _version_beside(self, folders: Iterable[str]) -> str | None:
        """Return the version in the name of the folder that records an installation, ``NAME-VERSION.dist-info``.

        https://packaging.python.org/en/latest/specifications/recording-installed-packages/ has it; other records, and
        several, are left to importlib.
        """
        begin, end = f"{self.distribution.replace('-', '_')}-", ".dist-info"
        names = [name for folder in folders for name in os.listdir(os.path.dirname(folder))]  # noqa: PTH120, PTH208
        found = [name[len(begin) : -len(end)] for name in names if name.startswith(begin) and name.endswith(end)]
        return found[0] if len(found) == 1 else None


class OwnKernels:
    """The kernels that ship with digitrec-edge, on machines for which there is a library."""

    distribution = ""

    def version(self) -> str | None:
        """See Presence; it is the kernels' own version."""
        from digitrec_edge.dense import library

        return library.RELEASE if library.is_here() else None


class Target(Frozen, kw_only=True):
    """What artifacts are made for: a runtime here, or one elsewhere (:mod:`runtimes.elsewhere`).

    Attributes:
        name: what people type, and what artifacts and benchmark results call it.
        formats: that it runs; the first is its usual one.
        release: the oldest that is used, and that artifacts are made for; support.json says what each can run.
        suffix: of artifacts made for it, but for those of a format whose first row it is.
        pixels_in: whether float variants made for it take the picture's uint8 bytes and scale them by a DEQUANTIZE
            of their own. On a Raspberry Pi 4 that costs tflite-runtime 2.14 2.4 k instructions, and numpy 11 k
            (docs/instructions.md).
        activations: types of the numbers between layers that it computes with; empty where its operators tell all.
        borders: types that it takes at a model's inputs and outputs; empty where it takes all.
        layers: types of activations and weights that its layers compute with; empty where their versions tell all.
    """

    name: str
    formats: tuple[str, ...]
    release: str
    suffix: str = ""
    pixels_in: bool = False
    activations: tuple[str, ...] = ()
    borders: tuple[str, ...] = ()
    layers: tuple[tuple[str, str], ...] = ()

    def runs(self, format_name: str) -> bool:
        """Whether this runtime reads files of a format at all."""
        return format_name in self.formats

    @property
    def called(self) -> str:
        """What its makers call it."""
        return self.name

    @property
    def installed(self) -> bool:
        """Whether it is here, to try an artifact on."""
        return False


class RuntimeRow(Target, kw_only=True):
    """A row of the table.

    Attributes:
        module: ours; imports the runtime when it is imported.
        presence: how to see whether it is here, and which version.
        extra: of digitrec-edge, that installs it; empty when every installation has it.
        colour: of its figures in the report, as ``#rrggbb``.
        installed_mb: what it adds to a device.
        cure: what to do where it is not here and no extra brings it.
    """

    module: str
    presence: Presence
    extra: str
    colour: str
    installed_mb: int
    cure: str = "install digitrec-edge again"

    @property
    def distribution(self) -> str:
        """Its name in the package index; empty for one that is not installed from there."""
        return self.presence.distribution

    @property
    def installed(self) -> bool:
        """Whether the runtime is here; says nothing about whether it works."""
        return self.presence.version() is not None

    @property
    def version(self) -> str:
        """The installed version; NotInstalledError when there is none."""
        version = self.presence.version()
        if version is None:
            raise self._not_installed()
        return version

    def load(self) -> RuntimeModule:
        """Import the runtime.

        Raises:
            NotInstalledError: names the extra that installs it.
            BrokenRuntimeError: it is there but its import fails; names the cause and the cure.
        """
        if not self.installed:
            raise self._not_installed()
        try:
            return cast(RuntimeModule, import_module(self.module))
        except (ImportError, AttributeError, SystemError, OSError) as cause:
            raise BrokenRuntimeError(f"{self.name} is installed but does not work: {diagnose(cause)}") from cause

    def _not_installed(self) -> NotInstalledError:
        cure = install_extra(self.extra) if self.extra else self.cure
        return NotInstalledError(f"{self.name} is not installed: {cure}")


RUNTIMES = (
    RuntimeRow(
        name="litert",
        module="runtimes.litert",
        presence=IndexPackage("ai_edge_litert", "ai-edge-litert"),
        extra="litert",
        formats=("tflite", "html"),
        release="2.0.2",
        colour="#0072b2",
        installed_mb=78,
    ),
    RuntimeRow(
        name="tflite-runtime",
        module="runtimes.tflite_runtime",
        presence=IndexPackage("tflite_runtime", "tflite-runtime"),
        extra="tflite",
        formats=("tflite", "html"),
        release="2.14.0",
        colour="#d55e00",
        installed_mb=7,
        suffix="-tflite-runtime",
        pixels_in=True,
    ),
    RuntimeRow(
        name="onnxruntime",
        module="runtimes.onnxruntime",
        presence=IndexPackage("onnxruntime", "onnxruntime"),
        extra="onnx",
        formats=("onnx", "ort"),
        release="1.24.4",  # up to 1.23 it reads whatever file a hostile model names as its weights
        colour="#009e73",
        installed_mb=55,
    ),
    RuntimeRow(
        name="native",
        module="runtimes.native",
        presence=OwnKernels(),
        extra="",
        formats=("tflite", "c", "java", "html"),
        release="1.0",
        colour="#cc79a7",
        installed_mb=0,
        suffix="-native",
        activations=("int8", "uint8"),
        cure="it has no kernels for this machine; where there is a C compiler, python -m digitrec_edge.dense.build "
        "makes them",
    ),
)


Row = TypeVar("Row", bound=Target)


def names() -> list[str]:
    """Return what the runtimes are called, in the order of the table."""
    return [row.name for row in RUNTIMES]


def find(name: str) -> RuntimeRow:
    """Return the row of a runtime.

    Raises:
        InputError: there is no such runtime; names those there are.
    """
    return find_row(RUNTIMES, name)


def find_row(rows: Sequence[Row], name: str) -> Row:
    """Return the row of a table that has this name, see :func:`find`."""
    for row in rows:
        if row.name == name:
            return row
    raise InputError(f"no runtime is called {name!r}; choose from {', '.join(row.name for row in rows)}")


def for_format(format_name: str, rows: Sequence[RuntimeRow] | None = None) -> list[RuntimeRow]:
    """Return the rows that read files of a format, in the order of the table.

    Raises:
        InputError: none of ``rows`` does; names those that would.
    """
    asked = RUNTIMES if rows is None else rows
    able = [row for row in asked if row.runs(format_name)]
    if not able:
        raise InputError(not_run_by(asked, format_name))
    return able


def not_run_by(rows: Sequence[Target], format_name: str) -> str:
    """Say that none of these reads files of a format, and what does."""
    others = " or ".join(row.name for row in RUNTIMES if row.runs(format_name)) or "no runtime"
    return f"{' and '.join(row.name for row in rows)} does not run .{format_name} files; {others} does"


def diagnose(cause: BaseException) -> str:
    """Say in one line why an installed runtime fails, and what to type."""
    text = " ".join(str(cause).split())
    root = cause.__cause__ or cause.__context__
    while root:
        text += f"; {' '.join(str(root).split())}"
        root = root.__cause__ or root.__context__
    if "_ARRAY_API" in text or "numpy.core.multiarray" in text or "compiled using NumPy 1" in text:
        from importlib import metadata

        numpy_version = metadata.version("numpy")
        return f"it was built for numpy 1 and numpy {numpy_version} is installed: {install('numpy<2')}"
    if "vector::reserve" in text:
        return "TensorFlow is loaded in the same process and the two clash: run it in a process of its own"
    return f"{type(cause).__name__}: {text[:200]}"
