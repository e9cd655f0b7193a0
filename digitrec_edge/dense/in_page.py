"""Which models the page's engine computes, digitrec_edge/web/engine: asked where a page is made of one."""

import numpy as np

from digitrec_edge.dense.tflite import NotDenseError, read_network
from digitrec_edge.errors import UnfitModelError
from digitrec_edge.quantization import PIXEL_MAX, pixel_table


def check(payload: bytes) -> None:
    """Let pass what the page's engine computes: int8 Dense layers on a picture's own bytes.

    Raises:
        MalformedError: it is no TFLite model.
        UnfitModelError: says what the model has instead.
    """
    try:
        network = read_network(payload)
    except NotDenseError as cause:
        raise UnfitModelError(f"the page runs Dense layers only: {cause}; export with --int8") from cause
    taken = pixel_table(np.uint8, network.input_scale, network.input_zero_point)
    as_it_is = network.input_dtype == "uint8" and np.array_equal(taken, np.arange(PIXEL_MAX + 1))
    if not as_it_is or any(layer.bits != 8 for layer in network.layers):
        raise UnfitModelError("the page runs int8 weights on a picture's own bytes, uint8; export with --int8")
    if network.output_dtype != "int8":
        raise UnfitModelError(
            f"the page takes int8 logits, these are {network.output_dtype}; export with --int8 --output-type int8"
        )
