"""The figure of bytes per layer."""

from collections.abc import Sequence

from digitrec_edge.artifact import Artifact
from digitrec_edge.report.style import INK, MUTED, SERIES, RenderedFigure, finish, new_figure, styled
from digitrec_edge.verification.layers import LayerSize, layer_sizes, rest_bytes


@styled
def draw_sizes(artifacts: Sequence[Artifact]) -> RenderedFigure:
    """Draw the bytes of each artifact's layers, and of the rest of its file."""
    figure, axes = new_figure(116 + 38 * len(artifacts))
    layers = [layer_sizes(found.graph) for found in artifacts]
    for row, (found, sizes) in enumerate(zip(artifacts, layers, strict=True)):
        parts = [(layer.stored_bytes, SERIES[k % len(SERIES)]) for k, layer in enumerate(sizes)]
        left = 0.0
        for stored_bytes, colour in [*parts, (rest_bytes(len(found.data), sizes), MUTED)]:
            axes.barh(row, stored_bytes / 1024, left=left, height=0.36, color=colour, alpha=0.85, linewidth=0)
            left += stored_bytes / 1024
        axes.annotate(
            f"{found.path.name}  {len(found.data) / 1024:,.0f} KB", (0, row), xytext=(0, 14),
            textcoords="offset points", fontsize=9.5, va="center", color=INK,
        )  # fmt: skip
    for k, name in enumerate(layer_names(layers)):
        axes.barh(0, 0, color=SERIES[k % len(SERIES)], alpha=0.85, label=name)
    axes.barh(0, 0, color=MUTED, alpha=0.85, label="rest of the file")
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=9.5, handlelength=1)
    axes.set_ylim(len(artifacts) - 0.5, -0.8)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("KB")
    axes.set_title("Size by layer")
    words = "; ".join(f"{found.path.name} {len(found.data) / 1024:,.0f} KB" for found in artifacts)
    return finish(figure, "size-by-layer", "Size by layer", f"Size by layer: {words}")


def layer_names(files: Sequence[Sequence[LayerSize]]) -> list[str]:
    """Name the layers by their place, and by their shape where all files with such a layer agree on it."""
    names = []
    for k in range(max(map(len, files), default=0)):
        shapes = {layers[k].shape for layers in files if k < len(layers)}
        shape = f" ({' x '.join(map(str, shapes.pop()))})" if len(shapes) == 1 else ""
        names.append(f"layer {k + 1}{shape}")
    return names
