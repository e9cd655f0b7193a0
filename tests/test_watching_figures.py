"""The gate: of made videos no reading is wrong, and some are given; whoever believes single frames fails it."""

import pytest

from digitrec_edge.watching.watcher import AGREE, MIN_CONFIDENCE
from runtimes import Model
from tests.made_videos import make
from tests.watching_figures import Tally, Way, looked, tally

pytestmark = pytest.mark.checkout  # the videos have fonts of matplotlib

SEEDS = (93, 113)
"""A display and the drums of a meter, with hands and without light; docs/watching.md has the figures of hundreds."""

CHOSEN = Way(True, AGREE, MIN_CONFIDENCE)
CARELESS = Way(True, 1, 0.0)


def test_no_reading_of_made_videos_is_wrong_and_the_gate_can_fail(pretrained_model: Model) -> None:
    careful, careless = Tally(), Tally()
    for seed in SEEDS:
        kept = looked(make(seed), pretrained_model, True)
        careful += tally(kept, seed, CHOSEN)
        careless += tally(kept, seed, CARELESS)
    assert careful.wrong == 0
    assert careful.right >= 10
    assert careless.wrong >= 5
