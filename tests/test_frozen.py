"""Frozen records: made, compared and changed as frozen dataclasses are, and dataclasses to whoever asks."""

import copy
import dataclasses
import inspect
import pickle
import pprint
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from digitrec_edge.frozen import Frozen, replace


class Point(Frozen):
    """A place."""

    x: float
    y: float = 0.0


class Named(Point, kw_only=True):
    """A place with a name."""

    name: str
    tags: tuple[str, ...] = ()


class Positive(Frozen):
    """A number that is checked."""

    number: int
    by: Callable[[int], int] = abs

    def __post_init__(self) -> None:
        if self.number < 0:
            raise ValueError("negative")


@dataclass(frozen=True)
class Reference:
    """What Point is measured by."""

    x: float
    y: float = 0.0


def test_values_are_given_by_position_by_name_or_by_default() -> None:
    assert (Point(1.0).x, Point(1.0).y, Point(1.0, 2.0).y, Point(y=3.0, x=1.0).y) == (1.0, 0.0, 2.0, 3.0)
    named = Named(1.0, name="a")
    assert (named.x, named.y, named.name, named.tags) == (1.0, 0.0, "a", ())


@pytest.mark.parametrize("kind", [Point, Reference])
@pytest.mark.parametrize(
    ("values", "named"),
    [((), {}), ((1.0, 2.0, 3.0), {}), ((1.0,), {"x": 2.0}), ((1.0,), {"z": 2.0}), ((), {"y": 2.0})],
    ids=["none", "three", "twice", "unknown", "missing"],
)
def test_what_does_not_fit_is_a_type_error_as_with_dataclasses(
    kind: Any, values: tuple[float, ...], named: dict[str, float]
) -> None:
    with pytest.raises(TypeError, match=kind.__name__ if kind is Point else None):
        kind(*values, **named)


def test_fields_by_keyword_are_not_taken_by_position() -> None:
    with pytest.raises(TypeError, match="too many"):
        Named(1.0, 2.0, "a")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="its name"):
        Named(1.0)  # type: ignore[call-arg]


def test_nothing_of_a_record_can_be_changed() -> None:
    point = Point(1.0)
    with pytest.raises(dataclasses.FrozenInstanceError, match="x stays"):
        point.x = 2.0  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError, match="z stays"):
        point.z = 2.0
    with pytest.raises(dataclasses.FrozenInstanceError, match="y stays"):
        del point.y
    assert point == Point(1.0)


def test_records_are_equal_by_kind_and_values_and_hash_alike() -> None:
    assert Point(1.0, 2.0) == Point(1.0, y=2.0)
    assert hash(Point(1.0, 2.0)) == hash(Point(y=2.0, x=1.0))
    assert Point(1.0) != Point(2.0)
    assert Point(1.0) != Named(1.0, name="a")
    assert Point(1.0) != (1.0, 0.0)


def test_its_text_is_that_of_a_dataclass() -> None:
    assert repr(Point(1.5)) == repr(Reference(1.5)).replace("Reference", "Point")
    assert repr(Named(1.0, name="a")) == "Named(x=1.0, y=0.0, name='a', tags=())"


def test_a_record_may_refuse_its_values_and_holds_a_function_as_it_is() -> None:
    assert Positive(3).by(-3) == 3
    with pytest.raises(ValueError, match="negative"):
        Positive(-1)
    with pytest.raises(ValueError, match="negative"):
        replace(Positive(1), number=-1)


@pytest.mark.parametrize("change", [replace, dataclasses.replace], ids=["ours", "dataclasses"])
def test_a_changed_record_is_another_one(change: Any) -> None:
    first = Named(1.0, name="a")
    assert change(first, name="b", y=2.0) == Named(1.0, 2.0, name="b")
    assert first == Named(1.0, name="a")
    with pytest.raises(TypeError):
        change(first, z=1)


def test_a_record_is_copied_and_pickled() -> None:
    named = Named(1.0, name="a", tags=("b",))
    assert copy.deepcopy(named) == pickle.loads(pickle.dumps(named)) == named


def test_it_is_a_dataclass_to_whoever_asks() -> None:
    named = Named(1.0, name="a")
    assert dataclasses.is_dataclass(Named)
    assert [(f.name, f.kw_only) for f in dataclasses.fields(Named)] == [
        ("x", False), ("y", False), ("name", True), ("tags", True),
    ]  # fmt: skip
    assert dataclasses.asdict(named) == {"x": 1.0, "y": 0.0, "name": "a", "tags": ()}
    assert pprint.pformat(named) == repr(named)
    assert str(inspect.signature(Point)) == str(inspect.signature(Reference))
    assert str(inspect.signature(Named)).startswith("(x: float, y: float = 0.0, *, name: str")


def test_matching_by_position_takes_what_may_be_given_by_position() -> None:
    match Named(1.0, 2.0, name="a"):
        case Named(x, y, name=name):
            assert (x, y, name) == (1.0, 2.0, "a")
