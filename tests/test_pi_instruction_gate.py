"""The gate on instruction counts, which needs no emulation: what it lets pass and what it stops."""

import pytest
from emulated_pi import frames
from emulated_pi.counting import Count, evaluate
from emulated_pi.instructions import Table, regressions, table_lines

pytestmark = pytest.mark.checkout

KEY = "pi5 / litert / digitrec-int8 / classify"


@pytest.mark.parametrize("now", [1, 56_000, 57_120])
def test_up_to_two_percent_more_pass(now: int) -> None:
    assert regressions({KEY: 56_000}, {KEY: now}) == []


def test_more_than_two_percent_is_named_with_both_figures() -> None:
    (line,) = regressions({KEY: 56_000}, {KEY: 57_121})
    assert KEY in line
    assert "57,121" in line
    assert "56,000" in line
    assert "+2.0%" in line


def test_a_figure_that_was_not_measured_does_not_pass() -> None:
    (line,) = regressions({KEY: 56_000}, {})
    assert "was not measured" in line


def test_a_figure_without_an_accepted_one_does_not_pass_and_says_what_to_type() -> None:
    (line,) = regressions({}, {KEY: 1})
    assert "make pi-instructions-accept" in line


def test_the_cost_of_marking_is_taken_off_and_the_middle_half_is_what_counts() -> None:
    lines: list[dict[str, str | int]] = [
        {"series": 0, "artifact": "", "call": "nothing"},
        {"series": 1, "artifact": "a", "call": "invoke"},
        {"artifact": "b", "refused": "too new"},
    ]
    marks = "".join(
        f"{number} {instructions}\n"
        for number, instructions in (
            (0, 100),
            (1, 110),
            (2, 200),
            (3, 260),
            (2, 300),
            (3, 362),
            (2, 400),
            (3, 900),
            (2, 1000),
            (3, 1000),
        )
    )
    (count,), refused = evaluate("pi5", "litert", lines, marks)
    assert count.key == "pi5 / litert / a / invoke"
    assert count.instructions == 51
    assert refused == {"b": "too new"}


def test_the_table_has_a_row_per_artifact_and_says_refused() -> None:
    lines = table_lines(Table({KEY: 55_000}, {"pi4 / tflite-runtime / dynamic / invoke": "too new"}))
    assert lines[2] == "| pi4 | tflite-runtime | dynamic | refused | refused | refused | refused |"
    assert lines[3] == "| pi5 | litert | digitrec-int8 |  | 55,000 |  |  |"  # what was not asked of it stays empty


def test_a_frame_of_watch_that_costs_more_than_the_document_says_is_named() -> None:
    document = frames.DOCUMENT.read_text()
    said = frames.stated(document)
    assert said.keys() == frames.ROWS.keys()

    def counts(more: float) -> list[Count]:
        return [Count("pi4", "native", case, "glimpse", int(figure * more), 0.0) for case, figure in said.items()]

    assert frames.grown(document, counts(1.019)) == []
    lines = frames.grown(document, counts(1.03))
    assert len(lines) == len(said)
    assert all("+3.0%" in line for line in lines)
