"""Plausibility: what a number can be, from what is known of whatever shows it and from the number before."""

import math
from dataclasses import dataclass
from decimal import Decimal

MOST_DIGITS = 20
"""Of a number; decimal arithmetic is exact for so many."""


@dataclass(frozen=True)
class Rules:
    """What is known of the number of one region.

    Attributes:
        digits: it has exactly so many; None for any number.
        decimals: so many of them stand behind the decimal point.
        monotone: it never gets less.
        max_step: it changes by so much at the most from one reading to the next, and when there was none for more than
            a minute, in each minute that began since; None for any step.
        reset_after: an implausible number is taken all the same when so many agreements in a row give one that is
            plausible after the one before it; None for never.
    """

    digits: int | None = None
    decimals: int = 0
    monotone: bool = False
    max_step: Decimal | None = None
    reset_after: int | None = None

    def number(self, text: str) -> Decimal:
        """Return the number that a text of digits stands for."""
        return Decimal(text).scaleb(-self.decimals)

    @property
    def turnover(self) -> Decimal | None:
        """Where the counter begins again at 0; None where that is not known."""
        return None if self.digits is None else Decimal(1).scaleb(self.digits - self.decimals)


@dataclass(frozen=True)
class Believed:
    """A number that was given, and when on the source's clock."""

    text: str
    clock_s: float


@dataclass(frozen=True)
class Judged:
    """Whether a number is plausible.

    Attributes:
        reason: why it is not; None when it is.
        note: what is said beside it: why it was taken although it was not.
    """

    reason: str | None = None
    note: str | None = None


class Plausibility:
    """Follows the numbers of one region.

    Args:
        rules: that they obey.
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._given: Believed | None = None
        self._doubted: Believed | None = None
        self._confirmed = 0

    def judge(self, text: str, clock_s: float) -> Judged:
        """Say whether a number can be; one that can is what the next is compared with."""
        if (reason := self._shape(text)) is not None:
            return Judged(reason)
        now = Believed(text, clock_s)
        if (reason := self._step(self._given, now)) is None:
            self._believe(now)
            return Judged()
        return self._doubt(now, reason)

    def _shape(self, text: str) -> str | None:
        if not (text.isascii() and text.isdigit()):
            return f"{text!r} is no number"
        if len(text) > MOST_DIGITS:
            return f"{len(text)} digits, at most {MOST_DIGITS} are taken"
        if self._rules.digits not in (None, len(text)):
            return f"{len(text)} digits, not {self._rules.digits}: {text}"
        return None

    def _step(self, before: Believed | None, now: Believed) -> str | None:
        """Return what is implausible after the number before; None when nothing is."""
        if before is None or before.text == now.text:
            return None
        rules = self._rules
        step = rules.number(now.text) - rules.number(before.text)
        most = None
        if rules.max_step is not None:
            most = rules.max_step * max(1, math.ceil((now.clock_s - before.clock_s) / 60))
        if rules.monotone and step < 0:
            turned = rules.turnover and step + rules.turnover
            if turned is None or most is None or turned > most:
                return f"goes back: {now.text} after {before.text}"
        elif most is not None and abs(step) > most:
            return f"steps by {abs(step)}, at most {most} allowed: {now.text} after {before.text}"
        return None

    def _believe(self, now: Believed) -> None:
        self._given, self._doubted, self._confirmed = now, None, 0

    def _doubt(self, now: Believed, reason: str) -> Judged:
        """Count agreements that contradict the last number but not each other."""
        consistent = self._doubted is not None and self._step(self._doubted, now) is None
        self._confirmed = self._confirmed + 1 if consistent else 1
        self._doubted = now
        if self._rules.reset_after is None or self._confirmed < self._rules.reset_after:
            return Judged(reason)
        note = f"taken after {self._confirmed} agreements in a row, although it {reason}"
        self._believe(now)
        return Judged(None, note)
