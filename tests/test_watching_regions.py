"""Regions: boxes with names, and values for one of them or for all."""

import numpy as np
import pytest

from digitrec_edge.errors import SourceError
from digitrec_edge.watching.per_region import per_region
from digitrec_edge.watching.regions import MOST, WHOLE, WatchedRegion, check_regions, parse_regions


def test_a_region_cuts_its_box_without_a_copy() -> None:
    pixels = np.arange(600, dtype=np.uint16).astype(np.uint8).reshape(20, 30)
    cut = WatchedRegion("a", 3, 5, 10, 8).cut(pixels)
    assert (cut == pixels[5:13, 3:13]).all()
    assert cut.base is not None


def test_no_region_is_the_whole_frame() -> None:
    (whole,) = parse_regions([])
    pixels = np.zeros((20, 30), np.uint8)
    assert whole.name == WHOLE
    assert whole.cut(pixels) is pixels
    assert whole.misfit((1, 1)) is None


def test_several_regions_are_read_in_their_order() -> None:
    assert parse_regions(["water=1,2,30,40", "gas-2=0,0,99,10"]) == (
        WatchedRegion("water", 1, 2, 30, 40), WatchedRegion("gas-2", 0, 0, 99, 10),
    )  # fmt: skip


@pytest.mark.parametrize(
    "texts",
    [
        ["water"], ["water=1,2,3"], ["water=1,2,-3,4"], ["water=1,2,3.5,40"], ["=1,2,30,40"], ["a b=1,2,30,40"],
        ["a/b=1,2,30,40"], ["a#=1,2,30,40"], [f"{'x' * 33}=1,2,30,40"], ["a=0,0,3,40"], ["a=0,0,2000,10"],
        ["a=1,2,30,40", "A=5,5,30,40"], ["a=9999999,2,30,40"], [f"r{k}=0,0,9,9" for k in range(MOST + 1)],
    ],
)  # fmt: skip
def test_what_is_no_region_is_refused_in_one_line(texts: list[str]) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]+$"):
        parse_regions(texts)


def test_a_region_outside_the_frame_is_told_with_both_sizes() -> None:
    regions = parse_regions(["a=0,0,100,50", "b=90,10,20,20"])
    check_regions(regions, (110, 50), "x")
    with pytest.raises(SourceError, match="region b reaches to 110,30, and the frame is 109 x 50"):
        check_regions(regions, (109, 50), "x")


def test_a_value_by_name_comes_before_that_of_all() -> None:
    regions = parse_regions(["a=0,0,9,9", "b=0,0,9,9"])
    assert per_region(["5"], regions, int, "a number") == {"a": 5, "b": 5}
    assert per_region(["b=3", "5"], regions, int, "a number") == {"a": 5, "b": 3}
    assert per_region(["b=3"], regions, int, "a number") == {"b": 3}
    assert per_region([], regions, int, "a number") == {}
    with pytest.raises(ValueError, match="'c=3' names no region; there are a, b"):
        per_region(["c=3"], regions, int, "a number")
    with pytest.raises(ValueError, match="'b=x'; give a number"):
        per_region(["b=x"], regions, int, "a number")
