"""From the bytes of a model file to the network that it holds, and the rounding that is its own."""

from digitrec_edge.dense.network import Network
from digitrec_edge.dense.rounding import ROUNDINGS, Rounding
from digitrec_edge.dense.tflite import read_network


def network_of(data: bytes) -> tuple[Network, Rounding]:
    """Read the network of a model file that was found whole.

    Args:
        data: the file, or its model alone: a .tflite file of int8 or int4 Dense layers.

    Returns:
        The network, and how its sums are rounded; a TFLite file says nothing of that, so it is LiteRT's way.

    Raises:
        MalformedError: it is no TFLite model.
        NotDenseError: it is another model than of Dense layers of whole numbers; names what it has instead.
    """
    return read_network(data), ROUNDINGS[0]
