"""What exported code computes, in the terms that all formats share."""

from digitrec_edge.dense.c_tables import VERSION, Tables
from digitrec_edge.formats.graph import Graph, MalformedError, Operator, Tensor


def graph_of(tables: Tables, needs: tuple[tuple[str, int], ...], remarks: tuple[tuple[str, str], ...]) -> Graph:
    """Say what a network computes: a layer per operator.

    Args:
        tables: the network.
        needs: of whoever runs it, behind its operators.
        remarks: what else there is to say.

    Raises:
        MalformedError: it takes no picture.
    """
    network = tables.network
    image = Tensor("image", (1, 28, 28), network.input_dtype, (network.input_scale,), (0,))
    if network.layers[0].inputs != 28 * 28:
        raise MalformedError(f"it takes {network.layers[0].inputs} numbers, a picture has {28 * 28}")
    tensors, operators, before = [image], [], image.name
    for k, layer in enumerate(tables.layers, 1):
        last = k == len(tables.layers)
        weights = Tensor(
            f"layer_{k}/weights",
            layer.weights.shape,
            f"int{tables.bits}",
            stored_bytes=layer.weights.size * tables.bits // 8,
        )
        bias = Tensor(f"layer_{k}/bias", (layer.outputs,), "int32", stored_bytes=4 * layer.outputs)
        factors = Tensor(f"layer_{k}/factors", (layer.outputs,), "float32", stored_bytes=4 * layer.outputs)
        scale = ((network.output_scale,), (network.output_zero_point,)) if last else ((), ())
        sink = Tensor(
            "logits" if last else f"layer_{k}", (1, layer.outputs), network.output_dtype if last else "uint8", *scale
        )
        operators.append(Operator("DENSE", VERSION, (before, weights.name, bias.name, factors.name), (sink.name,)))
        tensors += [weights, bias, factors, sink]
        before = sink.name
    return Graph((image,), (tensors[-1],), tuple(tensors), tuple(operators), (("DENSE", VERSION), *needs), remarks)
