"""Regions of interest: named boxes in pixels of the frame, one number in each."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digitrec_edge.errors import SourceError
from digitrec_edge.preprocess.reading import MAX_ASPECT, MIN_SIDE

WHOLE = "frame"
"""The name of the region that is the whole frame."""

MOST = 32
_NAME = re.compile(r"[A-Za-z0-9_-]{1,32}")
_REGION = re.compile(r"(?P<name>[^=]*)=(?P<numbers>\d{1,6},\d{1,6},\d{1,6},\d{1,6})")


@dataclass(frozen=True)
class WatchedRegion:
    """A box in pixels of the frame; ``width`` is None for the whole frame.

    Attributes:
        name: letters, digits, ``_`` and ``-``: it stands in topics and identifiers.
    """

    name: str
    left: int = 0
    top: int = 0
    width: int | None = None
    height: int | None = None

    def cut(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return what the region shows of a frame, without a copy."""
        if self.width is None or self.height is None:
            return pixels
        return pixels[self.top : self.top + self.height, self.left : self.left + self.width]

    def misfit(self, size: tuple[int, int]) -> str | None:
        """Return in what way the region does not fit a frame of this width and height; None when it does."""
        width, height = size
        if self.width is None or self.height is None:
            return None
        right, bottom = self.left + self.width, self.top + self.height
        if right <= width and bottom <= height:
            return None
        return f"region {self.name} reaches to {right},{bottom}, and the frame is {width} x {height}"


def parse_regions(texts: Sequence[str]) -> tuple[WatchedRegion, ...]:
    """Read regions as ``name=x,y,w,h``; none stand for the whole frame.

    Raises:
        ValueError: says in one line which is wrong and what is allowed.
    """
    if not texts:
        return (WatchedRegion(WHOLE),)
    if len(texts) > MOST:
        raise ValueError(f"{len(texts)} regions; at most {MOST} are read")
    regions = tuple(map(_parse, texts))
    names = [region.name.lower() for region in regions]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ValueError(f"the name {twice!r} is given twice")
    return regions


def _parse(text: str) -> WatchedRegion:
    match = _REGION.fullmatch(text)
    if not match:
        raise ValueError(f"{text!r}; give name=x,y,w,h in whole pixels, such as water=40,60,200,50")
    if not _NAME.fullmatch(match["name"]):
        raise ValueError(f"the name {match['name']!r}; 1 to 32 letters, digits, - and _ are allowed")
    left, top, width, height = map(int, match["numbers"].split(","))
    if min(width, height) < MIN_SIDE or max(width, height) > MAX_ASPECT * min(width, height):
        raise ValueError(
            f"{text!r} is {width} x {height}; {MIN_SIDE} pixels or more each way are needed, "
            f"and no side {MAX_ASPECT} times the other"
        )
    return WatchedRegion(match["name"], left, top, width, height)


def check_regions(regions: Sequence[WatchedRegion], size: tuple[int, int], source: str) -> None:
    """Let pass regions that lie within a frame.

    Raises:
        SourceError: names the first that does not.
    """
    for misfit in filter(None, (region.misfit(size) for region in regions)):
        raise SourceError(f"{misfit}: move it, or draw it with --draw-regions regions.html (source: {source})")
