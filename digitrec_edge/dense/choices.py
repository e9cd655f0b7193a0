"""What is chosen for C: whose rounding, and for which processors. Names alone, so that no help text needs numpy."""

from dataclasses import dataclass

ROUNDING_NAMES = ("litert", "litert-reference", "tflite-micro", "tflite-runtime-x86")
"""Of the rows of :data:`digitrec_edge.dense.rounding.ROUNDINGS`."""
KERNEL_NAMES = ("portable", "dsp", "mve")
"""Of the rows of :data:`digitrec_edge.dense.packing.KERNELS`."""


@dataclass(frozen=True)
class Choice:
    """How C is made of a network.

    Attributes:
        rounding: name of a row of ROUNDINGS.
        kernel: name of a row of KERNELS.
    """

    rounding: str = ROUNDING_NAMES[0]
    kernel: str = KERNEL_NAMES[0]
