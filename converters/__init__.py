"""Converting: a Keras model becomes the payload of an artifact; one file per format, one table of variants."""

from converters.source import Source, open_source
from converters.variants import VARIANTS, Variant, convert

__all__ = ["VARIANTS", "Source", "Variant", "convert", "open_source"]
