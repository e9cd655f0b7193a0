"""What processes were told is kept is there after they are killed; the whole campaign is ``make campaigns``."""

from pathlib import Path

import pytest

from digitrec_edge.collection import Collection
from tests.collected import kept
from tests.collection_kills import AMPLE_BYTES, TIGHT_BYTES, campaign, look


def test_killed_writers_lose_nothing() -> None:
    told, left = campaign(6, seed=1)
    assert told > 10
    assert left > 10


def test_the_campaign_sees_what_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "collection.sqlite"
    with Collection(path) as collection:
        name = collection.keep(kept(1))
        for told, message in (
            ({("kept", 1), ("kept", 2), ("kept", 3)}, "digits are lost"),
            ({("corrected", 2)}, "the correction of 2 is lost"),
        ):
            with pytest.raises(AssertionError, match=message):
                look(path, TIGHT_BYTES, told)
        collection.correct(name, 1, "ada")
        with pytest.raises(AssertionError, match="1 has another picture"):
            collection._database.change("UPDATE items SET id = ?", told_name(1))
            look(path, AMPLE_BYTES, {("corrected", 1)})


def told_name(number: int) -> str:
    """Return the id that the campaign looks for."""
    from tests.collection_kills import _picture

    return kept(number, picture=_picture(number)).id
