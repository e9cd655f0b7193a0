"""From a picture of any kind to 28 x 28 pixels as MNIST has them.

The stages: decode (any format and mode) -> foreground (the background is estimated, the foreground separated from
it) -> digits (connected components, grouped, noise dropped) -> normalised (20 x 20 box, centre of mass). Where
something suggests it the picture is repaired before (noise, a sheet on a table), frames are taken out of the
foreground, and digits that touch are cut with the help of a recogniser (:mod:`digitrec_edge.preprocess.touching`).
"""

from digitrec_edge.preprocess.normalise import BOX
from digitrec_edge.preprocess.reading import decode, read_grey, to_grey
from digitrec_edge.preprocess.stages import Digit, Stages, read_picture, read_stages, to_digit

__all__ = [
    "BOX",
    "Digit",
    "Stages",
    "decode",
    "read_grey",
    "read_picture",
    "read_stages",
    "to_digit",
    "to_grey",
]
