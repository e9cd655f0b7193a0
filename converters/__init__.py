"""Converting: a Keras model becomes the payload of an artifact; one file per format, a function per variant."""

from converters.conversion import convert
from converters.source import Source, open_source
from digitrec_edge.variants import VARIANTS, Variant

__all__ = ["VARIANTS", "Source", "Variant", "convert", "open_source"]
