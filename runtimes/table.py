"""The runtimes: one row each, the newest for a format first; ``auto`` goes down this table."""

from dataclasses import dataclass
from importlib import import_module, metadata
from importlib.util import find_spec
from typing import Protocol, cast

from digitrec_edge.errors import BrokenRuntimeError, NotInstalledError
from runtimes.session import Session


class RuntimeModule(Protocol):
    """What every runtime module offers."""

    def open_session(self, data: bytes, threads: int) -> Session:
        """Load a model from its bytes."""
        ...


@dataclass(frozen=True)
class RuntimeRow:
    """A row of the table.

    Attributes:
        name: what people type.
        target: our module; imports the runtime when it is imported.
        package: the runtime's own top-level module, to see whether it is installed.
        distribution: its name in the package index.
        extra: the extra of digitrec-edge that installs it.
        formats: what it runs.
    """

    name: str
    target: str
    package: str
    distribution: str
    extra: str
    formats: tuple[str, ...]

    def runs(self, format_name: str) -> bool:
        """Whether this runtime reads files of a format at all."""
        return format_name in self.formats

    @property
    def installed(self) -> bool:
        """Whether the runtime's package is there; says nothing about whether it works."""
        return find_spec(self.package) is not None

    @property
    def version(self) -> str:
        """The installed version; NotInstalledError when there is none."""
        try:
            return metadata.version(self.distribution)
        except metadata.PackageNotFoundError:
            raise self._not_installed() from None

    def module(self) -> RuntimeModule:
        """Import the runtime.

        Raises:
            NotInstalledError: names the extra that installs it.
            BrokenRuntimeError: it is there but its import fails; names the cause and the cure.
        """
        if not self.installed:
            raise self._not_installed()
        try:
            return cast(RuntimeModule, import_module(self.target))
        except (ImportError, AttributeError, SystemError, OSError) as cause:
            raise BrokenRuntimeError(f"{self.name} is installed but does not work: {diagnose(self, cause)}") from cause

    def _not_installed(self) -> NotInstalledError:
        return NotInstalledError(f"{self.name} is not installed: pip install 'digitrec-edge[{self.extra}]'")


RUNTIMES = (
    RuntimeRow("litert", "runtimes.litert", "ai_edge_litert", "ai-edge-litert", "litert", ("tflite",)),
    RuntimeRow("tflite-runtime", "runtimes.tflite_runtime", "tflite_runtime", "tflite-runtime", "tflite", ("tflite",)),
    RuntimeRow("onnxruntime", "runtimes.onnxruntime", "onnxruntime", "onnxruntime", "onnx", ("onnx", "ort")),
)


def diagnose(row: RuntimeRow, cause: BaseException) -> str:
    """Say in one line why an installed runtime fails, and what to type."""
    numpy_version = metadata.version("numpy")
    text = " ".join(str(cause).split())
    root = cause.__cause__ or cause.__context__
    while root:
        text += f"; {' '.join(str(root).split())}"
        root = root.__cause__ or root.__context__
    if "_ARRAY_API" in text or "numpy.core.multiarray" in text or "compiled using NumPy 1" in text:
        return f"it was built for numpy 1 and numpy {numpy_version} is installed: pip install 'numpy<2'"
    if "vector::reserve" in text:
        return "TensorFlow is loaded in the same process and the two clash: run it in a process of its own"
    return f"{type(cause).__name__}: {text[:200]}"
