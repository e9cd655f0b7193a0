"""The whole loop ends where a step has not its effect; the steps themselves need an emulated Pi: ``make loop``."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from emulated_pi import needs
from whole_loop import __main__ as walk
from whole_loop import hand
from whole_loop.loop import Loop, demand, until
from whole_loop.on_the_pi import CORRECTED, METER, UNSEEN

pytestmark = pytest.mark.checkout


def fine(loop: Loop) -> str:
    return "all is well"


def without_effect(loop: Loop) -> str:
    demand(False, "nothing happened")
    return ""


def never_reached(loop: Loop) -> str:
    raise AssertionError


@pytest.fixture
def _no_board(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def board(folder: Path) -> Iterator[Any]:
        yield None, folder

    monkeypatch.setattr(walk, "board", board)
    monkeypatch.setattr(walk, "make_artifacts", Path)
    monkeypatch.setattr(needs, "missing", list)
    monkeypatch.setattr(walk, "find_browser", lambda: "chromium")


@pytest.mark.usefixtures("_no_board")
def test_a_step_without_its_effect_ends_the_loop(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(walk, "STEPS", (fine, without_effect, never_reached))
    assert walk.main() == 1
    assert "2. without effect: BROKEN: nothing happened" in capsys.readouterr().out
    monkeypatch.setattr(walk, "STEPS", (fine,))
    assert walk.main() == 0


def test_what_never_comes_is_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("whole_loop.loop.LIMIT_S", 0.0)
    with pytest.raises(Exception, match="the moon: not within 0 s"):
        until("the moon", lambda: False)


def test_what_nobody_corrects_is_none_of_what_may_be_corrected() -> None:
    assert not {*CORRECTED} & {*UNSEEN, *METER}
    assert len(hand.pictures(METER)) == len(hand.labels(METER)) == len(METER)
    assert all(one != other for one, other in zip(hand.labels(METER), hand.labels(METER)[1:], strict=False))
