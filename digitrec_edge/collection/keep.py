"""Which answers are kept: a rule that a person can type."""

import re
from dataclasses import dataclass

from digitrec_edge.collection.items import Kept
from digitrec_edge.errors import CollectionError

UNSURE_BELOW = 0.9
"""An answer of a lower probability is worth a look, whether or not somebody asked for more confidence."""

RULES = "unsure, all, none, or a share such as 1/100"
_MOST = 1_000_000


@dataclass(frozen=True)
class Keep:
    """A rule of keeping.

    Attributes:
        text: as it was typed.
        unsure: keep what is unsure or no digit.
        every: keep one in so many of all; 0 is none of them.
    """

    text: str
    unsure: bool
    every: int

    @classmethod
    def parse(cls, text: str) -> "Keep":
        """Read a rule.

        Raises:
            CollectionError: it is none.
        """
        share = re.fullmatch(r"1/([1-9][0-9]{0,6})", text)
        if share and int(share[1]) <= _MOST:
            return cls(text, False, int(share[1]))
        named = {"unsure": cls(text, True, 0), "all": cls(text, False, 1), "none": cls(text, False, 0)}
        if text not in named:
            raise CollectionError(f"{text[:40]!r} is no rule of what to keep; give {RULES} (up to 1/{_MOST:,})")
        return named[text]

    @property
    def keeps(self) -> bool:
        """Whether there is any answer that it keeps."""
        return self.unsure or self.every > 0

    def wants(self, kept: Kept, *, unsure: bool = False) -> bool:
        """Whether the rule keeps an answer.

        Args:
            kept: the answer. Which share of all is kept is a matter of its id: the same answers in every process.
            unsure: whoever asked called it unsure.
        """
        if self.unsure:
            return unsure or kept.digit is None or kept.probability < UNSURE_BELOW
        return self.every > 0 and int(kept.id[-8:], 16) % self.every == 0
