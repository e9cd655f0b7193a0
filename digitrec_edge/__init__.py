"""digitrec-edge: a hand-written digit recogniser, taken from Keras to small devices and measured there."""

__version__ = "0.1.0"
