"""Converting: a Keras model becomes the payload of an artifact; one file per format, a function per variant."""

from converters.conversion import convert
from converters.source import Source, open_source

__all__ = ["Source", "convert", "open_source"]
