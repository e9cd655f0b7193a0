"""From the bytes of a model file to the network that it holds, and the rounding that is its own."""

from digitrec_edge.dense.network import Network
from digitrec_edge.dense.rounding import ROUNDINGS, Rounding
from digitrec_edge.dense.tflite import read_network
from digitrec_edge.formats.graph import Graph

_ZIP = b"PK"


def network_of(payload: bytes, graph: Graph | None = None) -> tuple[Network, Rounding]:
    """Read the network of a model file that was found whole.

    Args:
        payload: a .tflite file of int8 or int4 Dense layers, or C or Java in a ZIP archive; what stands behind the
            model does not matter.
        graph: what the format said of it, where that is known; it is read and checked here otherwise.

    Returns:
        The network, and how its sums are rounded; a TFLite file says nothing of that, so it is LiteRT's way.

    Raises:
        MalformedError: it is no model.
        NotDenseError: it is another model than of Dense layers of whole numbers; names what it has instead.
    """
    if payload[:2] == _ZIP:
        from digitrec_edge.dense import c_archive, java_archive  # and all that writes such: not for a .tflite file

        tables = (java_archive if java_archive.recognise(payload) else c_archive).tables_of(payload)
        return tables.network, tables.rounding
    return read_network(payload, graph), ROUNDINGS[0]
