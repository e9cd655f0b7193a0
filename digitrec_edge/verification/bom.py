"""A bill of materials: what an artifact is made of, as a CycloneDX 1.6 ML-BOM.

Written from the file alone and without a serial number or a time, so that the same file gives the same bytes. The
libraries that write CycloneDX know no model card; the official schema, which the tests hold this to, does.
"""

import json
from typing import Any
from urllib.parse import quote

import numpy as np

from digitrec_edge import __version__, mnist
from digitrec_edge.artifact import Artifact, sample
from digitrec_edge.artifact.card import Card, ParityFigures, TensorCard
from digitrec_edge.errors import ArtifactError, DamagedError
from digitrec_edge.files import sha256
from digitrec_edge.formats import SAMPLE_FILE
from digitrec_edge.labels import DIGITS

SPECIFICATION = "1.6"
_MODEL, _SOURCE, _DATA = "model", "source-model", "test-set"
_OURS = "digitrec-edge"
_ANYTHING = "One answer per 28 x 28 picture: whatever is on it is read as one of the labels."
_TELLS = "One answer per 28 x 28 picture, or none below the threshold of its score: some other marks reach it, too."
_LIMITS = (
    "Pictures must be brought to MNIST's form (foreground found, scaled, centred), as digitrec-edge predict does.",
    "Quantised answers may differ by one step between kernels, CPUs and runtimes' versions, and a near-tie may turn.",
)


def write_bom(found: Artifact) -> bytes:
    """Return the ML-BOM of an artifact: JSON in UTF-8, the same bytes for the same file.

    Raises:
        ArtifactError: the file carries no card, so that nobody says what it was made of.
        DataError: this installation lacks MNIST's test images, by which the data set is told.
    """
    card = found.card
    if card is None:
        raise ArtifactError(f"{found.path} carries no card to make a bill of materials from; digitrec-edge export does")
    tools = {tool: _tool(tool, version) for tool, version in sorted(card.tools.items())}
    data_set = _data_set(found, card)
    document = {
        "$schema": f"http://cyclonedx.org/schema/bom-{SPECIFICATION}.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": SPECIFICATION,
        "version": 1,
        "metadata": {
            "tools": {"components": [{"type": "application", "name": _OURS, "version": __version__}]},
            "component": _model(found, card),
        },
        "components": [data_set, *tools.values()],
        "dependencies": [
            {"ref": _MODEL, "dependsOn": [_DATA, *(tool["bom-ref"] for tool in tools.values())]},
            *({"ref": part["bom-ref"]} for part in (data_set, *tools.values())),
        ],
    }
    return json.dumps(document, indent=1).encode() + b"\n"


def _model(found: Artifact, card: Card) -> dict[str, Any]:
    return {
        "type": "machine-learning-model",
        "bom-ref": _MODEL,
        "name": card.name,
        "description": f"Reads one hand-written {_what(card)}: {card.variant} precision, .{card.format} format.",
        "hashes": [_hash(sha256(found.data))],
        "pedigree": {
            "ancestors": [
                {
                    "type": "machine-learning-model",
                    "bom-ref": _SOURCE,
                    "name": "the Keras model that it was converted from",
                    "hashes": [_hash(card.source_sha256)],
                }
            ]
        },
        "modelCard": _model_card(found, card),
        "properties": _properties(
            {
                "format": card.format,
                "precision": card.variant,
                "payload.sha256": card.payload_sha256,
                "target": card.requirements.target,
                **{f"needs.{name}": version for name, version in sorted(card.requirements.needs.items())},
                **{f"runs-on.{name}": old for name, old in sorted(card.requirements.oldest.items()) if old},
            }
        ),
    }


def _model_card(found: Artifact, card: Card) -> dict[str, Any]:
    operators = ", ".join(operator.name for operator in found.graph.operators)
    convolves = "CONV" in operators.upper()
    made: dict[str, Any] = {f"training.{key}": value for key, value in sorted((card.training or {}).items())}
    if card.calibration:
        made["calibration.images"] = card.calibration.images
        made["calibration.blemished"] = card.calibration.blemished
        made["calibration.seed"] = card.calibration.seed
        made["calibration.indices.sha256"] = card.calibration.indices_sha256
    made["temperature"] = card.temperature
    if card.no_digit:
        made["no-digit.threshold"] = card.no_digit.threshold
        made["no-digit.kept"] = card.no_digit.kept
    return {
        "modelParameters": {
            "approach": {"type": "supervised"},
            "task": f"image classification: hand-written {_what(card)}s",
            "architectureFamily": "convolutional neural network" if convolves else "multilayer perceptron",
            "modelArchitecture": operators,
            "datasets": [{"ref": _DATA}],
            "inputs": [{"format": _port(tensor, card.preprocessing.channels)} for tensor in card.inputs],
            "outputs": [{"format": _port(tensor, f"logits of {' '.join(card.labels)}")} for tensor in card.outputs],
        },
        "quantitativeAnalysis": {"performanceMetrics": _metrics(card.parity) if card.parity else []},
        "considerations": {"technicalLimitations": [_ANYTHING if card.no_digit is None else _TELLS, *_LIMITS]},
        "properties": _properties(made),
    }


def _what(card: Card) -> str:
    return "digit" if card.labels == DIGITS else "sign"


def _port(tensor: TensorCard, meaning: str) -> str:
    scaled = "" if tensor.scale is None else f", scale {tensor.scale!r}, zero point {tensor.zero_point}"
    return f"{tensor.dtype} {' x '.join(map(str, tensor.shape))}{scaled}: {meaning}"


def _metrics(parity: ParityFigures) -> list[dict[str, str]]:
    where = f"{parity.images:,} test images, {parity.runtime}"
    return [
        {"type": "accuracy", "value": repr(parity.accuracy), "slice": where},
        {"type": "accuracy of the Keras model", "value": repr(parity.reference_accuracy), "slice": where},
        {"type": "agreement with the Keras model", "value": repr(parity.agreement), "slice": where},
        {"type": "largest logit difference", "value": repr(parity.max_logit_difference), "slice": where},
    ]


def _data_set(found: Artifact, card: Card) -> dict[str, Any]:
    """Name the data set of the figures: MNIST where the file's sample is of its test images."""
    component: dict[str, Any] = {"type": "data", "bom-ref": _DATA}
    if not _of_mnist(found, card):
        return {
            **component,
            "name": "a data set of the maker's own",
            "description": "The figures were measured on its test images; the file names neither source nor licence.",
        }
    return {
        **component,
        "name": "MNIST",
        "description": "The figures were measured on its 10,000 test images. Training takes its 60,000 others unless "
        "told otherwise; the file does not name the training images.",
        "licenses": [{"license": {"id": "CC-BY-SA-3.0", "url": "https://creativecommons.org/licenses/by-sa/3.0/"}}],
        "authors": [{"name": name} for name in ("Yann LeCun", "Corinna Cortes", "Christopher J.C. Burges")],
        "data": [{"type": "dataset", "name": "MNIST"}],
    }


def _of_mnist(found: Artifact, card: Card) -> bool:
    try:
        images = sample.unpack(found.files.get(SAMPLE_FILE, b""), len(card.labels))
    except DamagedError:
        return False
    digits = mnist.load("test")
    return (
        images.indices.min() >= 0
        and images.indices.max() < len(digits)
        and np.array_equal(digits.images[images.indices], images.images)
    )


def _tool(name: str, version: str) -> dict[str, str]:
    component = {"type": "library", "bom-ref": f"tool:{name}", "name": name, "version": version}
    if name != _OURS:
        component["purl"] = f"pkg:pypi/{_quoted(name.lower().replace('_', '-'))}@{_quoted(version)}"
    return component


def _quoted(text: str) -> str:
    return quote(text, safe="", errors="replace")  # a card may hold half of a surrogate pair


def _hash(digest: str) -> dict[str, str]:
    return {"alg": "SHA-256", "content": digest}


def _properties(values: dict[str, Any]) -> list[dict[str, str]]:
    return [{"name": f"{_OURS}:{name}", "value": str(value)} for name, value in values.items()]
