"""``digitrec-edge collect`` shows a collection and brings corrected digits in and out."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from digitrec_edge.collection import Collection
from tests.collected import ARTIFACT, kept

Cli = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    with Collection(tmp_path / "c.sqlite") as collection:
        names = collection.keep_all([kept(k, digit=None if k == 2 else 7) for k in range(4)])
        collection.correct(names[0], 1, "ada")
        collection.correct(names[2], None, "ada")
    return tmp_path / "c.sqlite"


def test_it_shows_how_many_of_what_there_are(cli: Cli, file: Path) -> None:
    said = cli("collect", file).stdout
    assert "4 items, 2 corrected" in said
    rows = [line.split() for line in said.splitlines()]
    assert ["7", "3", "0"] in rows
    assert ["1", "0", "1"] in rows
    assert ["no", "digit", "1", "1"] in rows
    assert ["camera", "4"] in rows
    assert [ARTIFACT, "4"] in rows
    found = json.loads(cli("collect", file, "--json").stdout)
    assert (found["items"], found["corrected"], found["answers"]) == (4, 2, {"7": 3, "no digit": 1})


def test_corrected_digits_go_out_and_into_another_collection(cli: Cli, file: Path, tmp_path: Path) -> None:
    assert "1 digit, 1 no digit" in cli("collect", file, "--export", tmp_path / "digits.npz").stdout
    other = tmp_path / "other.sqlite"
    said = cli("collect", "--output", other, "--import", tmp_path / "digits.npz", "--import", file).stdout
    assert "digits.npz: 2 items, 2 new, 2 corrections new" in said
    assert "c.sqlite: 4 items, 2 new" in said
    assert "4 items, 2 corrected" in said


def test_json_is_all_that_is_printed_whatever_else_is_done(cli: Cli, file: Path, tmp_path: Path) -> None:
    done = cli("collect", tmp_path / "d.sqlite", "--import", file, "--export", tmp_path / "digits.npz", "--json")
    assert json.loads(done.stdout)["items"] == 4
    assert "c.sqlite: 4 items" in done.stderr
    assert "1 digit, 1 no digit" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "reason"),
    [
        (["none.sqlite"], 1, "no such collection: none.sqlite"),
        ([], 2, "name one collection"),
        (["c.sqlite", "-o", "d.sqlite"], 2, "name one collection"),
        (["d.sqlite", "--import", "none.npz"], 1, "no such file: none.npz"),
        (["d.sqlite", "--import", "text.npz"], 1, "text.npz"),
        (["d.sqlite", "--host", "pi@one", "--host", "pi@one"], 2, "named twice"),
    ],
)
def test_what_cannot_be_is_one_line(
    arguments: list[str], status: int, reason: str, cli: Cli, file: Path, tmp_path: Path
) -> None:
    (tmp_path / "text.npz").write_text("no collection")
    done = cli("collect", *arguments, cwd=tmp_path, ok=False)
    assert done.returncode == status
    assert not [*tmp_path.glob("d.sqlite*")]
    assert reason in done.stderr
    assert "Traceback" not in done.stderr
