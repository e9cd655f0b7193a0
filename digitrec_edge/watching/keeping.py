"""Keeping: digits of frames go to the collection, where somebody may correct them and the model learn from them."""

import io
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitrec_edge.collection import Collection, Keep, Kept, utc_now
from digitrec_edge.errors import CollectionError, OutputError
from digitrec_edge.files import sha256
from digitrec_edge.recognition import Recognition
from digitrec_edge.watching.watcher import Sight

REST_FRAMES = 50
"""Of a region, after one was kept as unsure: what follows shows the same."""


class Keeping:
    """Keeps digits by a rule.

    Args:
        rule: which ones.
        collection: open; whoever opened it closes it.
        artifact: the bytes of the model's file.
        tell: is told once in one line what goes wrong.
    """

    def __init__(self, rule: Keep, collection: Collection, artifact: bytes, tell: Callable[[str], None]) -> None:
        self._rule, self._collection, self._tell = rule, collection, tell
        self._sha256 = sha256(artifact)
        self._resting: dict[str, int] = {}
        self._told = ""

    def observe(self, seen: Sight) -> None:
        """Keep what the rule wants of a frame's region."""
        rest = self._resting.get(seen.region.name, 0)
        self._resting[seen.region.name] = max(0, rest - 1)
        if seen.glimpse.found is None or (self._rule.unsure and rest):
            return
        if wanted := self._wanted(seen, seen.glimpse.found):
            self._resting[seen.region.name] = REST_FRAMES
            try:
                self._collection.keep_all(wanted)
            except (CollectionError, OutputError) as error:
                if str(error) != self._told:
                    self._told = str(error)
                    self._tell(f"not kept: {error}")

    def _wanted(self, seen: Sight, found: Recognition) -> list[Kept]:
        now, picture, wanted = utc_now(), _png(seen.pixels), []
        for digit, answer, accepted in zip(found.stages.found, found.answers, found.accepted, strict=True):
            probability = float(answer.probabilities[answer.digits])
            kept = Kept(
                picture=picture,
                image=digit.image,
                digit=int(answer.digits) if accepted else None,
                candidate=int(answer.digits),
                probability=probability,
                score=float(answer.scores),
                artifact_sha256=self._sha256,
                time=now,
                source=seen.region.name,
                box=(digit.box.left, digit.box.top, digit.box.right, digit.box.bottom),
            )
            if self._rule.wants(kept, unsure=probability < found.how.min_confidence):
                wanted.append(kept)
        return wanted


def _png(pixels: NDArray[np.uint8]) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(stream, "PNG")
    return stream.getvalue()
