"""What a model file says of itself, and which runtime can run it; read without running anything."""

from dataclasses import dataclass

from digitrec_edge.artifact import Artifact
from digitrec_edge.artifact.card import Card
from digitrec_edge.files import sha256
from digitrec_edge.formats.graph import Graph, Operator, Tensor
from digitrec_edge.verification.layers import LayerSize, layer_sizes, rest_bytes
from runtimes import support
from runtimes.elsewhere import TARGETS
from runtimes.table import RuntimeRow, Target


@dataclass(frozen=True)
class RuntimeAnswer:
    """Whether a runtime can run the model.

    Attributes:
        runs: on the installed version, or, where none is installed, on the newest known one.
        installed: version, None when it is not installed.
        oldest: known release that runs the model, None when no known one does.
        why: one line.
    """

    runtime: str
    runs: bool
    installed: str | None
    oldest: str | None
    why: str


@dataclass(frozen=True)
class Inspection:
    """All that can be said of a model file.

    Attributes:
        payload_bytes: of the model alone, without card and sample.
        tensors: inputs and outputs among them.
        remarks: what else the format has to say, a word and a text each.
        layers, rest_bytes: add up to ``file_bytes``, see :mod:`digitrec_edge.verification.layers`.
    """

    path: str
    format: str
    file_bytes: int
    payload_bytes: int
    file_sha256: str
    payload_sha256: str
    card: Card | None
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    needs: tuple[tuple[str, int], ...]
    remarks: tuple[tuple[str, str], ...]
    layers: tuple[LayerSize, ...]
    rest_bytes: int
    runtimes: tuple[RuntimeAnswer, ...]


def inspect(found: Artifact) -> Inspection:
    """Describe a file that was read."""
    graph = found.graph
    layers = layer_sizes(graph)
    return Inspection(
        path=str(found.path),
        format=found.format.name,
        file_bytes=len(found.data),
        payload_bytes=len(found.payload),
        file_sha256=sha256(found.data),
        payload_sha256=sha256(found.payload),
        card=found.card,
        inputs=graph.inputs,
        outputs=graph.outputs,
        tensors=graph.tensors,
        operators=graph.operators,
        needs=graph.needs,
        remarks=graph.remarks,
        layers=layers,
        rest_bytes=rest_bytes(len(found.data), layers),
        runtimes=tuple(answer(row, found.format.name, graph, found.card) for row in TARGETS),
    )


def answer(row: Target, format_name: str, graph: Graph, card: Card | None = None) -> RuntimeAnswer:
    """Say whether a runtime can run a model, installed here or not, or elsewhere."""
    here = isinstance(row, RuntimeRow)
    installed = row.version if isinstance(row, RuntimeRow) and row.installed else None
    if not row.runs(format_name):
        formats = " and ".join(f".{name}" for name in row.formats)
        return RuntimeAnswer(row.name, False, installed, None, f"runs {formats} files")
    oldest = support.oldest(row, graph)
    newest = [installed] if installed else list(support.releases(row.name))[-1:]
    lacking = support.lacking(row, newest[0], graph) if newest else None
    if lacking:
        return RuntimeAnswer(row.name, False, installed, oldest, lacking + _cure(row, format_name, card))
    place = f"{installed} is installed" if installed else "not installed" if here else f"{row.called}, elsewhere"
    known = f"{oldest} and later run it" if oldest else "which releases run it is not recorded"
    return RuntimeAnswer(row.name, True, installed, oldest, f"{place}; {known}")


def _cure(row: Target, format_name: str, card: Card | None) -> str:
    """Name the export that makes the same variant for a runtime elsewhere, if there is one."""
    able = card and not isinstance(row, RuntimeRow) and support.can_be_made(row, card.variant, format_name)
    return f": export --target {row.name}" if able else ""
