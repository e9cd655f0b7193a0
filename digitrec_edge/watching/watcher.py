"""The watcher: frames in, readings out, each step of the way in a module of its own."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from digitrec_edge.files import sha256
from digitrec_edge.recognition import How
from digitrec_edge.watching.agreement import Agreed, Agreement
from digitrec_edge.watching.frames import LOST, Events, Frame, Missing
from digitrec_edge.watching.glimpse import Glimpse, glimpse, no_glimpse
from digitrec_edge.watching.plausibility import Plausibility, Rules
from digitrec_edge.watching.readings import Reading, now_utc
from digitrec_edge.watching.regions import WatchedRegion, check_regions

if TYPE_CHECKING:
    from runtimes import Model

AGREE, MIN_CONFIDENCE, NULL_AFTER = 4, 0.9997, 10
"""What is asked for where nothing is said; chosen on made videos, see docs/watching.md."""


@dataclass(frozen=True)
class Care:
    """How carefully numbers are given.

    Attributes:
        agree: so many frames in a row must agree.
        min_confidence: the least probability of a digit.
        null_after: so many frames without a number are told as a reading without one.
        every_s: a reading is given again after so many seconds of the source's clock; None for changes alone.
    """

    agree: int = AGREE
    min_confidence: float = MIN_CONFIDENCE
    null_after: int = NULL_AFTER
    every_s: float | None = None


@dataclass(frozen=True)
class Sight:
    """What was seen in one region of one frame, for whoever keeps it."""

    region: WatchedRegion
    pixels: NDArray[np.uint8]
    glimpse: Glimpse
    frame: str


class RegionWatch:
    """Follows one region: takes what each frame shows, and says what is to be told of it."""

    def __init__(self, region: WatchedRegion, rules: Rules, care: Care, model: "Model") -> None:
        self.region, self._rules, self._care = region, rules, care
        self.how = How(multi=True, min_confidence=care.min_confidence, count=rules.digits)
        self._artifact, self._sha256 = model.artifact.name, sha256(model.artifact.data)
        self._agreement, self._plausibility = Agreement(care.agree), Plausibility(rules)
        self._told: Reading | None = None
        self._told_s = -np.inf
        self._unknown = 0
        self._latest: Reading | None = None

    def add(self, seen: Glimpse, frame: str | None, clock_s: float | None) -> Reading | None:
        """Take what the next frame shows; returns what is to be told then.

        Args:
            seen: on the frame.
            frame: its name; None when there is no frame.
            clock_s: the source's clock; None when there is no frame.
        """
        now = self._reading(self._agreement.add(seen), frame, clock_s)
        self._latest = now
        self._unknown = 0 if now.value is not None else self._unknown + 1
        due = self._care.every_s is not None and clock_s is not None and clock_s - self._told_s >= self._care.every_s
        if not (self._is_news(now) or (due and self._is_known(now))):
            return None
        self._told = now
        self._told_s = self._told_s if clock_s is None else clock_s
        return now

    def finish(self) -> Reading | None:
        """Return why no number was ever told, at the end of a source that was too short for any."""
        return self._latest if self._told is None else None

    def _reading(self, agreed: Agreed, frame: str | None, clock_s: float | None) -> Reading:
        text, reason, note = agreed.text, agreed.reason, None
        if text is not None and clock_s is not None:
            judged = self._plausibility.judge(text, clock_s)
            reason, note = judged.reason, judged.note
        known = text is not None and reason is None
        return Reading(
            time=now_utc(),
            region=self.region.name,
            value=text if known else None,
            number=self._rules.number(text) if known and text is not None else None,
            probability=agreed.probability if known else None,
            frames=agreed.frames if known else 0,
            reason=reason,
            note=note,
            frame=frame,
            artifact=self._artifact,
            artifact_sha256=self._sha256,
        )

    def _is_known(self, now: Reading) -> bool:
        """Whether it is certain what to tell: a number, or that there has been none for long."""
        return now.value is not None or now.reason == LOST or self._unknown >= self._care.null_after

    def _is_news(self, now: Reading) -> bool:
        if self._told is None or now.value is not None:
            return self._is_known(now) and (self._told is None or now.value != self._told.value)
        if now.reason == LOST or self._told.reason == LOST:
            return self._is_known(now) and (now.reason == LOST) != (self._told.reason == LOST)
        return self._told.value is not None and self._is_known(now)


def watch(
    events: Events,
    source: str,
    watches: Sequence[RegionWatch],
    model: "Model",
    observe: Callable[[Sight], None],
    tell: Callable[[str], None],
) -> Iterator[Reading]:
    """Yield the readings of a source until it ends.

    Args:
        events: frames, and what is missing.
        source: what messages call it.
        watches: one for each region.
        model: that reads.
        observe: is shown all that is seen.
        tell: is told in one line what goes wrong and does not end the work.

    Raises:
        SourceError: a region does not fit the first frame; or the source cannot be read further.
    """
    checked = False
    for event in events:
        if isinstance(event, Missing):
            tell(f"{event.reason}: {event.detail}")
            yield from _told(watches, {one.region: no_glimpse(event.reason) for one in watches}, None)
            continue
        if not checked:
            check_regions([one.region for one in watches], event.size, source)
            checked = True
        glimpses = {}
        for one in watches:
            seen = _look(model, one, event)
            glimpses[one.region] = seen
            observe(Sight(one.region, one.region.cut(event.pixels), seen, event.name))
        yield from _told(watches, glimpses, event)
    yield from filter(None, (one.finish() for one in watches))


def _look(model: "Model", one: RegionWatch, frame: Frame) -> Glimpse:
    if misfit := one.region.misfit(frame.size):
        return no_glimpse(misfit)
    return glimpse(model, one.region.cut(frame.pixels), f"{frame.name}, {one.region.name}", one.how)


def _told(
    watches: Sequence[RegionWatch], glimpses: Mapping[WatchedRegion, Glimpse], frame: Frame | None
) -> Iterator[Reading]:
    name, clock_s = (frame.name, frame.clock_s) if frame else (None, None)
    yield from filter(None, (one.add(glimpses[one.region], name, clock_s) for one in watches))
