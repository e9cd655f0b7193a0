"""What a static int8 artifact must answer, to the byte, by the rounding of a runtime's kernels."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digitrec_edge import artifact
from digitrec_edge.dense.network import UNSIGNED
from digitrec_edge.dense.rounding import ROUNDINGS, Rounding
from digitrec_edge.dense.tflite import read_network
from digitrec_edge.quantization import dequantize, pixel_table


def rounding_of(kernels: str, machine: str) -> Rounding:
    """Return the rounding of a runtime's kernels.

    Args:
        kernels: ``XNNPACK``, what rounds like it, or those of built-in operators.
        machine: as uname names it.
    """
    litert, _, away, up = ROUNDINGS
    if kernels.startswith("XNNPACK"):
        return litert
    return up if machine == "x86_64" else away


def dense_logits(path: Path, images: NDArray[np.uint8], rounding: Rounding) -> NDArray[np.float32]:
    """Compute the logits ``(N, 10)`` of an artifact for ``(N, 28, 28) uint8``, dequantised as the package does it."""
    network = read_network(artifact.read(path).payload)
    table = pixel_table(network.input_dtype, network.input_scale, network.input_zero_point)
    inputs = table[images].view(np.uint8)
    unsigned = inputs if network.input_dtype == "uint8" else inputs ^ np.uint8(UNSIGNED)
    raw = network.run(unsigned, rounding) ^ np.uint8(UNSIGNED if network.output_dtype == "int8" else 0)
    return dequantize(raw.view(network.output_dtype), network.output_scale, network.output_zero_point)
