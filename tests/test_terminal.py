"""What the command line prints is what other programs can read."""

import json
import math

import pytest

from digitrec_edge.cli import terminal


def test_numbers_that_json_does_not_have_become_null(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.print_json({"largest": math.nan, "rows": [(math.inf, 1.5), -math.inf], "name": "int8", "passed": False})
    printed = capsys.readouterr().out

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    found = json.loads(printed, parse_constant=refuse)
    assert found == {"largest": None, "rows": [[None, 1.5], None], "name": "int8", "passed": False}
