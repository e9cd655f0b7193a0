"""From a picture of any kind to 28 x 28 pixels as MNIST has them.

The way: read (any format and mode) -> ink (paper estimated, ink told from it) -> digits (connected
marks, grouped, dirt dropped) -> normalised (20 x 20 box, centre of mass).
"""

from digitrec_edge.preprocess.normalise import BOX, FIELD
from digitrec_edge.preprocess.picture import Digit, Picture, read_picture, read_stages, single, to_digit
from digitrec_edge.preprocess.reading import decode, read_grey, to_grey

__all__ = [
    "BOX",
    "FIELD",
    "Digit",
    "Picture",
    "decode",
    "read_grey",
    "read_picture",
    "read_stages",
    "single",
    "to_digit",
    "to_grey",
]
