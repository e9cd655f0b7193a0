"""Placing on the device: what is proved takes the place, what fails changes nothing, and both are written down."""

import dataclasses
import itertools
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from digitrec_edge import artifact, history, mnist, placing, pretrained
from digitrec_edge.artifact import sample
from digitrec_edge.canary import Canary, CanaryCount
from digitrec_edge.errors import ArtifactError, DataError, DeploymentError, OutputError
from digitrec_edge.files import sha256
from digitrec_edge.formats import SAMPLE_FILE
from digitrec_edge.history import CURRENT, PREVIOUS
from digitrec_edge.placing import Order, place, target
from digitrec_edge.records import load_json, parse
from runtimes import load
from tests.crash import crash_points

INT8, FLOAT32 = "digitrec-int8.tflite", "digitrec-float32.tflite"
ONNX, TINY = "digitrec-int8.onnx", "digitrec-tiny.tflite"

Sent = Callable[[str], str]


@pytest.fixture
def sent(tmp_path: Path) -> Sent:
    """Send one of the pretrained artifacts to the device's folder, as deploy does; returns its path there."""

    def send(name: str) -> str:
        folder = tmp_path / "artifacts" / sha256(name.encode())[:12]
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(pretrained.FOLDER / name, folder)
        return f"artifacts/{folder.name}/{name}"

    return send


def in_place(folder: Path, link: str = CURRENT) -> str:
    found = target(folder / link)
    return found.name if found else ""


def happened(folder: Path) -> list[tuple[str, str]]:
    return [(event.event, event.artifact) for event in history.read(folder)]


def write_canary(path: Path, images: object, labels: object) -> str:
    np.savez(path, x_test=np.asarray(images), y_test=np.asarray(labels))
    return path.name


@pytest.fixture(scope="module")
def disputed() -> Canary:
    """Test digits that float32 reads otherwise than int8, with float32's answers as labels, and two that both read."""
    digits = mnist.load("test")
    with load(pretrained.FOLDER / INT8) as one, load(pretrained.FOLDER / FLOAT32) as other:
        here, there = one.predict(digits.images), other.predict(digits.images)
    differ = (here.digits != there.digits) & there.accepted
    both = (here.digits == there.digits) & here.accepted & there.accepted
    chosen = [*np.flatnonzero(differ), *np.flatnonzero(both)[:2]]
    assert len(chosen) > 2
    return Canary(digits.images[chosen], there.digits[chosen])


def test_the_link_leads_to_what_was_proved_and_the_one_before_is_kept(tmp_path: Path, sent: Sent) -> None:
    first = place(tmp_path, Order(sent(INT8), "pi@desk"))
    assert (first.artifact, first.before, first.canary) == (INT8, "", None)
    assert first.report[0] == "whole; not signed"
    assert first.report[1].startswith("self-test on ")
    second = place(tmp_path, Order(sent(FLOAT32), "pi@desk"))
    assert (second.before, second.sha256) == (INT8, sha256((pretrained.FOLDER / FLOAT32).read_bytes()))
    assert (in_place(tmp_path), in_place(tmp_path, PREVIOUS)) == (FLOAT32, INT8)
    assert artifact.read(tmp_path / CURRENT).card is not None
    assert happened(tmp_path) == [("deployed", INT8), ("deployed", FLOAT32)]
    assert history.read(tmp_path)[0].by == "pi@desk"


def test_two_artifacts_are_kept_and_no_more(tmp_path: Path, sent: Sent) -> None:
    for name in (INT8, FLOAT32, ONNX):
        place(tmp_path, Order(sent(name), "a"))
    assert sorted(path.name for path in tmp_path.glob("artifacts/*/*")) == [FLOAT32, ONNX]
    assert (in_place(tmp_path), in_place(tmp_path, PREVIOUS)) == (ONNX, FLOAT32)


def test_back_is_back_and_back_again_is_forward(tmp_path: Path, sent: Sent) -> None:
    for name in (INT8, FLOAT32):
        place(tmp_path, Order(sent(name), "a"))
    back = place(tmp_path, Order("", "a"))
    assert (back.artifact, back.before) == (INT8, FLOAT32)
    assert in_place(tmp_path) == INT8
    assert place(tmp_path, Order("", "a")).artifact == FLOAT32
    assert [event for event, _ in happened(tmp_path)] == ["deployed", "deployed", "rolled back", "rolled back"]


def test_the_same_artifact_again_does_not_cost_the_one_before(tmp_path: Path, sent: Sent) -> None:
    for name in (INT8, FLOAT32, FLOAT32):
        place(tmp_path, Order(sent(name), "a"))
    assert (in_place(tmp_path), in_place(tmp_path, PREVIOUS)) == (FLOAT32, INT8)


@pytest.mark.parametrize("before", [[], [INT8]])
def test_there_is_nothing_to_bring_back(tmp_path: Path, sent: Sent, before: list[str]) -> None:
    (tmp_path / "artifacts").mkdir()
    for name in before:
        place(tmp_path, Order(sent(name), "a"))
    with pytest.raises(DeploymentError, match="nothing to bring back"):
        place(tmp_path, Order("", "a"))
    assert [in_place(tmp_path)] == (before or [""])


def answering_otherwise(path: Path) -> None:
    """Write an artifact anew whose sample says that its answers were others at export."""
    found = artifact.read(path)
    assert found.card
    images = sample.unpack(found.files[SAMPLE_FILE], 10)
    turned = dataclasses.replace(images, expected=np.roll(images.expected, 1, axis=1))
    artifact.write(path, found.payload, found.card, sample.pack(turned))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1000])


@pytest.mark.parametrize(
    ("harm", "kind", "reason"),
    [
        (answering_otherwise, DeploymentError, "fails its self-test here: self-test on .* 0 of"),
        (cut, ArtifactError, "no longer vouched for|is damaged"),
        (Path.unlink, ArtifactError, "no such file"),
    ],
)
def test_what_fails_changes_nothing_and_is_written_down(
    tmp_path: Path, sent: Sent, harm: Callable[[Path], None], kind: type[Exception], reason: str
) -> None:
    place(tmp_path, Order(sent(INT8), "a"))
    file = sent(FLOAT32)
    harm(tmp_path / file)
    with pytest.raises(kind, match=reason):
        place(tmp_path, Order(file, "a"))
    assert in_place(tmp_path) == INT8
    assert not (tmp_path / file).exists()
    assert happened(tmp_path) == [("deployed", INT8), ("refused", FLOAT32)]
    assert history.read(tmp_path)[1].why


def test_what_was_kept_and_is_damaged_is_not_brought_back(tmp_path: Path, sent: Sent) -> None:
    for name in (INT8, FLOAT32):
        place(tmp_path, Order(sent(name), "a"))
    cut((tmp_path / PREVIOUS).resolve())
    with pytest.raises(ArtifactError):
        place(tmp_path, Order("", "a"))
    assert in_place(tmp_path) == FLOAT32


def test_a_canary_lets_pass_what_reads_it_as_well(tmp_path: Path, sent: Sent, disputed: Canary) -> None:
    place(tmp_path, Order(sent(INT8), "a"))
    file = sent(FLOAT32)
    canary = write_canary(tmp_path / "c.npz", disputed.images, disputed.labels)
    placed = place(tmp_path, Order(file, "a", str(tmp_path / canary)))
    assert placed.canary == CanaryCount(len(disputed), len(disputed), 2)
    again = place(tmp_path, Order(file, "a", str(tmp_path / canary), 1.0))
    assert again.canary == CanaryCount(len(disputed), len(disputed), len(disputed))


def test_a_canary_stops_what_reads_it_worse(tmp_path: Path, sent: Sent, disputed: Canary) -> None:
    place(tmp_path, Order(sent(FLOAT32), "a"))
    write_canary(tmp_path / "c.npz", disputed.images, disputed.labels)
    with pytest.raises(DeploymentError, match=rf"reads 2 of the canary's {len(disputed)} .* in place {len(disputed)}"):
        place(tmp_path, Order(sent(INT8), "a", str(tmp_path / "c.npz")))
    assert in_place(tmp_path) == FLOAT32
    assert happened(tmp_path)[-1] == ("refused", INT8)


def test_a_canary_without_anything_to_compare_with_needs_a_share(tmp_path: Path, sent: Sent, disputed: Canary) -> None:
    canary = str(tmp_path / write_canary(tmp_path / "c.npz", disputed.images, disputed.labels))
    with pytest.raises(DeploymentError, match="no other that runs is in place to compare with: .*--canary-accuracy"):
        place(tmp_path, Order(sent(INT8), "a", canary))
    with pytest.raises(DeploymentError, match=r"reads 2 of .* 90\.0% of them are asked for"):
        place(tmp_path, Order(sent(INT8), "a", canary, 0.9))
    assert in_place(tmp_path) == ""
    assert place(tmp_path, Order(sent(FLOAT32), "a", canary, 0.9)).canary == CanaryCount(
        len(disputed), len(disputed), None
    )


def test_a_canary_that_is_no_data_set_stops(tmp_path: Path, sent: Sent) -> None:
    (tmp_path / "c.npz").write_bytes(b"PK")
    with pytest.raises(DataError):
        place(tmp_path, Order(sent(INT8), "a", str(tmp_path / "c.npz")))


def test_what_is_in_place_and_unreadable_reads_none_of_the_canary(tmp_path: Path, sent: Sent, disputed: Canary) -> None:
    place(tmp_path, Order(sent(INT8), "a"))
    cut((tmp_path / CURRENT).resolve())
    canary = str(tmp_path / write_canary(tmp_path / "c.npz", disputed.images, disputed.labels))
    placed = place(tmp_path, Order(sent(FLOAT32), "a", canary))
    assert placed.canary == CanaryCount(len(disputed), len(disputed), 0)


@pytest.mark.parametrize("link", [CURRENT, PREVIOUS])
def test_a_file_in_the_place_of_a_link_is_not_written_over(tmp_path: Path, sent: Sent, link: str) -> None:
    (tmp_path / link).write_text("mine")
    with pytest.raises(OutputError, match="is no link of deploy's"):
        place(tmp_path, Order(sent(INT8), "a"))
    assert (tmp_path / link).read_text() == "mine"
    assert [event for event, _ in happened(tmp_path)] == ["refused"]


def test_a_line_that_cannot_be_written_leaves_in_place_what_was(
    tmp_path: Path, sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*rest: object, **options: object) -> None:
        raise OutputError("cannot write: No space left on device")

    (tmp_path / "artifacts").mkdir()
    for before in ("", INT8):
        with monkeypatch.context() as full, pytest.raises(OutputError, match="No space left"):
            full.setattr(placing, "record", refuse)
            place(tmp_path, Order(sent(FLOAT32), "a"))
        assert in_place(tmp_path) == before
        place(tmp_path, Order(sent(INT8), "a"))
    assert not [*tmp_path.glob(".*")]


CutOff = Callable[[str], Iterator[Path]]


@pytest.fixture
def cut_off(tmp_path: Path) -> CutOff:
    """Cuts the power at each operation of an order, each time on a new device where int8 has replaced float32."""
    counter = itertools.count()

    def points(new: str) -> Iterator[Path]:
        def prepare() -> Path:
            folder = tmp_path / str(next(counter))
            for name in filter(None, (FLOAT32, INT8, new)):
                file = folder / "artifacts" / name / name
                file.parent.mkdir(parents=True)
                shutil.copy(pretrained.FOLDER / name, file)
            for link, name in ((CURRENT, INT8), (PREVIOUS, FLOAT32)):
                (folder / link).symlink_to(f"artifacts/{name}/{name}")
            return folder

        order = Order(f"artifacts/{new}/{new}" if new else "", "a")
        return (folder for _, folder in crash_points(lambda folder: place(folder, order), prepare))

    return points


def test_a_rollback_that_is_cut_off_anywhere_is_gone_on_with(cut_off: CutOff) -> None:
    seen = set()
    for folder in cut_off(""):
        seen.add(in_place(folder))
        assert in_place(folder) == FLOAT32 or not happened(folder)
        assert place(folder, Order("", "a")).before == INT8
        assert (in_place(folder), in_place(folder, PREVIOUS)) == (FLOAT32, INT8)
        assert happened(folder)[-1] == ("rolled back", FLOAT32)
        assert not [*folder.glob(".*")]
    assert seen == {INT8, FLOAT32}


def test_a_deployment_that_is_cut_off_anywhere_has_happened_or_not(cut_off: CutOff) -> None:
    seen = set()
    for folder in cut_off(TINY):
        seen.add(in_place(folder))
        before = {INT8: FLOAT32, TINY: INT8}[in_place(folder)]
        assert place(folder, Order("", "a")).artifact == before
        assert not [*folder.glob(".*")]
    assert seen == {INT8, TINY}


def test_a_deployment_after_one_that_was_cut_off_keeps_what_was_in_place(cut_off: CutOff) -> None:
    for folder in cut_off(TINY):
        left = in_place(folder)
        (folder / "artifacts" / ONNX).mkdir()
        shutil.copy(pretrained.FOLDER / FLOAT32, folder / "artifacts" / ONNX)
        place(folder, Order(f"artifacts/{ONNX}/{FLOAT32}", "a"))
        assert (in_place(folder), in_place(folder, PREVIOUS)) == (FLOAT32, left)


def run(folder: Path, order: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-I", "-m", "digitrec_edge.placing", order]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)


def test_the_program_says_what_came_of_it_in_its_last_line(tmp_path: Path, sent: Sent) -> None:
    order = {"file": sent(INT8), "by": "pi@desk", "canary": "", "min_accuracy": None}
    done = run(tmp_path, json.dumps(order))
    assert done.returncode == 0, done.stderr
    assert parse(placing.Placed, load_json(done.stdout.splitlines()[-1]), "answer").artifact == INT8
    failed = run(tmp_path, json.dumps({**order, "file": "artifacts/none/a.tflite"}))
    assert (failed.returncode, failed.stderr) == (1, "")
    assert failed.stdout.startswith("no such file: ")
    assert "missing or unknown key 'by'" in run(tmp_path, "{}").stdout
