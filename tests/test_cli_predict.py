"""``digitrec-edge predict``: digit, probability and latency per picture, and what cannot be read is said."""

import contextlib
import importlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from digitrec_edge import artifact, mnist, pretrained
from digitrec_edge.cli.pictures import Named
from digitrec_edge.recognition import How
from digitrec_edge.training.recipes import RECIPES
from runtimes import load

Cli = Callable[..., "subprocess.CompletedProcess[str]"]
LINE = re.compile(r"(.+): (\d)  probability (\d+\.\d)%  latency (\d+) us of the model, (\d+\.\d) ms from file to digit")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first digits of the test set (7 2 1 0 4) on paper, in several file formats and sizes."""
    folder = tmp_path_factory.mktemp("pictures")
    for k, (suffix, size) in enumerate([("png", 28), ("jpg", 100), ("bmp", 64), ("webp", 200), ("gif", 56)]):
        page = np.full((2 * size, 2 * size), 255, np.uint8)
        ink = np.asarray(Image.fromarray(mnist.load("test").images[k]).resize((size, size)))
        page[size // 2 : size // 2 + size, size // 2 : size // 2 + size] -= ink
        Image.fromarray(page).save(folder / f"{k}.{suffix}")
    (folder / "blank.png").write_bytes(b"")
    Image.new("L", (50, 50), 255).save(folder / "blank.png")
    (folder / "text.png").write_text("no picture")
    (folder / "empty.png").touch()
    (folder / "cut.png").write_bytes((folder / "0.png").read_bytes()[:120])
    return folder


def test_pictures_are_read_with_the_pretrained_artifact(cli: Cli, pictures: Path) -> None:
    paths = [pictures / name for name in ("0.png", "1.jpg", "2.bmp", "3.webp", "4.gif")]
    done = cli("predict", *paths)
    found = [LINE.fullmatch(line) for line in done.stdout.splitlines()]
    assert all(found)
    assert [(match[1], match[2]) for match in found if match] == [
        (str(path), digit) for path, digit in zip(paths, "72104", strict=True)
    ]
    start, summary = done.stderr.splitlines()
    assert re.fullmatch(r"digitrec-int8 on (litert|tflite-runtime) [\d.]+", start)
    assert re.fullmatch(r"5 pictures: 5 digits read, 0 refused, \d+\.\d s", summary)
    assert all(float(match[5]) > 0 for match in found if match)


def test_pictures_alone_are_read_as_with_an_option_that_changes_nothing(cli: Cli, pictures: Path) -> None:
    """They take a shorter way: no option, no typer."""
    times = re.compile(r"latency .*|\d+\.\d s$", re.M)
    for names in ("0.png",), ("0.png", "blank.png", "text.png", "empty.png", "cut.png", "4.gif"):
        paths = [pictures / name for name in names]
        short, long = (cli("predict", *paths, *more, ok=False) for more in ((), ("--runtime", "auto")))
        assert short.returncode == long.returncode == (len(names) > 1)
        assert times.sub("", short.stdout) == times.sub("", long.stdout)
        assert times.sub("", short.stderr) == times.sub("", long.stderr)
    for words in ([pictures / "0.png", "--nonsense"], [pictures / "none.png"], []):
        done = cli("predict", *words, ok=False)
        assert done.returncode == (2 if words != [pictures / "none.png"] else 1)


def test_json_is_a_list_with_an_object_per_picture(cli: Cli, pictures: Path) -> None:
    (result,) = json.loads(cli("predict", pictures / "0.png", "--json").stdout)
    assert result["picture"] == str(pictures / "0.png")
    assert result["digit"] == 7
    assert len(result["probabilities"]) == 10
    assert sum(result["probabilities"]) == pytest.approx(1, abs=1e-5)
    assert result["probability"] == max(result["probabilities"]) == result["probabilities"][7]
    assert min(result["file_to_digit_ms"], result["latency_us"]) > 0
    assert result["artifact"] == "digitrec-int8"


def test_bad_pictures_among_good_ones_are_said_and_the_others_go_on(cli: Cli, pictures: Path) -> None:
    names = ["0.png", "text.png", "1.jpg", "empty.png", "blank.png", "cut.png", "absent.png", "n" * 300, "2.bmp"]
    done = cli("predict", *[pictures / name for name in names], ok=False)
    assert done.returncode == 1
    assert [line.split("  ")[0].rsplit(" ")[-1] for line in done.stdout.splitlines()] == ["7", "2", "1"]
    errors = done.stderr.splitlines()[1:-1]
    assert len(errors) == 6
    assert done.stderr.splitlines()[-1].startswith("9 pictures: 3 digits read, 6 refused, ")
    for line, name in zip(errors, [name for name in names if name not in ("0.png", "1.jpg", "2.bmp")], strict=True):
        assert line.startswith("digitrec-edge: ")
        assert name in line
    assert "Traceback" not in done.stderr


def test_a_list_of_json_on_a_terminal_is_drawn_over_by_nothing_and_closed_before_the_summary(pictures: Path) -> None:
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "digitrec_edge", "predict", "0.png", "1.jpg", "--json"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    with subprocess.Popen(command, stdout=theirs, stderr=theirs, cwd=pictures, env=environment):
        os.close(theirs)
        said = b""
        with contextlib.suppress(OSError):  # the other end is closed
            while part := os.read(ours, 4096):
                said += part
    os.close(ours)
    lines = said.decode().replace("\r\n", "\n").splitlines()
    assert [one["digit"] for one in json.loads("\n".join(lines[1:-1]))] == [7, 2]
    assert lines[-1].startswith("2 pictures: 2 digits read, ")


def test_bad_pictures_are_in_the_json_too(cli: Cli, pictures: Path) -> None:
    done = cli("predict", pictures / "text.png", pictures / "0.png", "--json", ok=False)
    assert done.returncode == 1
    bad, good = json.loads(done.stdout)
    assert "is not a picture" in bad["error"]
    assert good["digit"] == 7


@pytest.mark.parametrize("name", ["digitrec-float32.tflite", "digitrec-int8.onnx"])
def test_another_artifact_is_taken_when_asked_for(cli: Cli, pictures: Path, artifacts: Path, name: str) -> None:
    done = cli("predict", pictures / "1.jpg", "--model", artifacts / name, "--threads", 2)
    assert done.stdout.startswith(f"{pictures / '1.jpg'}: 2  ")
    assert done.stderr.startswith(f"{Path(name).stem} on ")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "no such file"),
        (b"", "is empty"),
        (b"words", "is not a model file"),
        (b"cut", "was changed by another tool, or cut"),
    ],
)
def test_a_model_that_cannot_be_used_is_one_line_and_status_1(
    cli: Cli, pictures: Path, tmp_path: Path, content: bytes | None, reason: str
) -> None:
    path = tmp_path / "model.tflite"
    if content == b"cut":
        content = pretrained.DEFAULT.read_bytes()[:-5000]
    if content is not None:
        path.write_bytes(content)
    done = cli("predict", pictures / "0.png", "--model", path, ok=False)
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("digitrec-edge: ")
    assert reason in line


def test_a_runtime_that_cannot_run_the_file_is_one_line(cli: Cli, pictures: Path) -> None:
    done = cli("predict", pictures / "0.png", "--model", pretrained.DEFAULT, "--runtime", "onnxruntime", ok=False)
    assert done.returncode == 1
    assert done.stderr == (
        f"digitrec-edge: {pretrained.DEFAULT}: onnxruntime does not run .tflite files; "
        "litert or tflite-runtime or native does\n"
    )


def test_a_folder_or_a_pipe_is_no_picture(cli: Cli, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    done = cli("predict", tmp_path, tmp_path / "pipe.png", ok=False)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 4


def test_the_tiny_artifact_is_the_tiny_recipe_s() -> None:
    card, recipe = artifact.read(pretrained.TINY).card, RECIPES["tiny"]
    assert card is not None
    assert card.training is not None
    assert {key: card.training[key] for key in recipe.summary()} == recipe.summary()
    assert card.training["finished_epochs"] == recipe.epochs


@pytest.mark.parametrize("name", ["digitrec-int8.tflite", "digitrec-float32.tflite", "digitrec-int8.onnx"])
def test_the_pretrained_artifacts_are_the_robust_recipe_s(name: str) -> None:
    with load(pretrained.FOLDER / name) as model:
        card = model.card
        assert card is not None
        assert (card.name, card.variant) == (Path(name).stem, Path(name).stem.removeprefix("digitrec-"))
        assert card.training is not None
        recipe = RECIPES["robust"]
        named = {"average": "ema_momentum"}  # what 0.1.0 called it
        training = {named.get(key, key): value for key, value in card.training.items()}
        if training.pop("int8_ready", None) == "yes":  # as the version wrote it that made them
            training |= {"weight_bits": 8, "pooled": "no"}
        assert {key: training[key] for key in recipe.summary()} == recipe.summary()
        assert card.training["finished_epochs"] == recipe.epochs
        assert 0.25 < card.temperature < 4
        test = mnist.load("test")
        assert (model.predict(test.images).digits == test.labels).mean() >= 0.994


def test_a_folder_and_a_pattern_stand_for_their_pictures(cli: Cli, pictures: Path) -> None:
    good = cli("predict", pictures / "[0-4].*", "--json")
    assert [result["digit"] for result in json.loads(good.stdout)] == [7, 2, 1, 0, 4]
    whole = json.loads(cli("predict", pictures, "--json", ok=False).stdout)
    assert [Path(result["picture"]).name for result in whole] == sorted(path.name for path in pictures.iterdir())
    assert sum("error" in result for result in whole) == 4


def test_folders_in_a_folder_are_read_when_asked_for_and_hinted_at_when_not(
    cli: Cli, pictures: Path, tmp_path: Path
) -> None:
    for name in ("b/0.png", "b/c/1.jpg", ".hidden/2.bmp"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes((pictures / Path(name).name).read_bytes())
    (tmp_path / "b" / "loop").symlink_to(tmp_path)
    every = json.loads(cli("predict", tmp_path, "--recursive", "--json").stdout)
    assert [(Path(one["picture"]).name, one["digit"]) for one in every] == [("0.png", 7), ("1.jpg", 2)]
    (outer,) = json.loads(cli("predict", tmp_path, "--json", ok=False).stdout)
    assert "add --recursive" in outer["error"]
    (inner,) = json.loads(cli("predict", tmp_path / "b", "--json").stdout)
    assert inner["digit"] == 7
    shutil.rmtree(tmp_path / "b")
    (none,) = json.loads(cli("predict", tmp_path, "-r", "--json", ok=False).stdout)
    assert "holds no pictures" in none["error"]


def test_standard_input_is_read(pictures: Path) -> None:
    command = [sys.executable, "-m", "digitrec_edge", "predict", "-", "--json"]
    done = subprocess.run(command, input=(pictures / "1.jpg").read_bytes(), capture_output=True, check=True)
    (result,) = json.loads(done.stdout)
    assert (result["picture"], result["digit"]) == ("-", 2)
    empty = subprocess.run(command, input=b"", capture_output=True, check=False)
    assert empty.returncode == 1
    assert json.loads(empty.stdout) == [{"picture": "-", "error": "standard input is empty (0 bytes)"}]


@pytest.fixture(scope="module")
def postcode(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first five digits of the test set, 7 2 1 0 4, in one line."""
    page = np.full((120, 420), 255, np.uint8)
    for k in range(5):
        ink = np.asarray(Image.fromarray(mnist.load("test").images[k]).resize((70, 70)))
        page[25:95, 20 + 80 * k : 90 + 80 * k] -= ink
    path = tmp_path_factory.mktemp("postcode") / "postcode.png"
    Image.fromarray(page).save(path)
    return path


def test_several_digits_are_read_in_order_with_multi(cli: Cli, postcode: Path) -> None:
    (result,) = json.loads(cli("predict", postcode, "--multi", "--json").stdout)
    assert result["text"] == "72104"
    lefts = [digit["box"][0] for digit in result["digits"]]
    assert lefts == sorted(lefts)
    for k, digit in enumerate(result["digits"]):
        left, top, right, bottom = digit["box"]
        assert 20 + 80 * k <= left < right <= 90 + 80 * k
        assert 25 <= top < bottom <= 95
    lines = cli("predict", postcode, "--multi").stdout.splitlines()
    assert lines[0].startswith(f"{postcode}: 72104  latency ")
    assert len(lines) == 6


def test_several_digits_are_an_error_without_multi(cli: Cli, postcode: Path) -> None:
    done = cli("predict", postcode, ok=False)
    assert done.returncode == 1
    assert done.stderr.splitlines()[1] == (
        f"digitrec-edge: {postcode}: 5 digits found where one is expected; read them all with --multi"
    )


def test_a_low_confidence_is_unsure(cli: Cli, pictures: Path) -> None:
    images = mnist.load("test").images
    with load(pretrained.DEFAULT) as model:
        found = model.predict(images)
    doubtful = pictures / "doubtful.png"
    least = np.where(found.accepted, found.probabilities.max(axis=1), 1).argmin()
    Image.fromarray(images[least]).save(doubtful)  # read as it is, nothing is scaled
    (result,) = json.loads(cli("predict", doubtful, "--min-confidence", 0.9, "--json").stdout)
    assert result["unsure"]
    assert result["probability"] < 0.9
    done = cli("predict", doubtful, "--min-confidence", 0.9)
    assert f": unsure, perhaps {result['digit']}  probability " in done.stdout
    assert f": {result['digit']}  " in cli("predict", doubtful, "--min-confidence", 0).stdout
    assert ": 7  " in cli("predict", pictures / "0.png", "--min-confidence", 0.9).stdout


def test_explain_draws_a_strip_even_when_there_is_no_digit(cli: Cli, pictures: Path, tmp_path: Path) -> None:
    cli("predict", pictures / "1.jpg", "--explain", tmp_path / "strip.png")
    with Image.open(tmp_path / "strip.png") as strip:
        assert strip.width > 4 * strip.height
    line = np.full((100, 100), 255, np.uint8)
    line[50:54, 10:90] = 0
    Image.fromarray(line).save(tmp_path / "line.png")
    done = cli("predict", tmp_path / "line.png", "--explain", tmp_path / "none.png", ok=False)
    assert done.returncode == 1
    assert "no digit found" in done.stderr
    assert (tmp_path / "none.png").exists()


def test_explain_takes_one_picture_and_a_picture_s_name(cli: Cli, pictures: Path, tmp_path: Path) -> None:
    several = cli("predict", pictures / "0.png", pictures / "1.jpg", "--explain", tmp_path / "a.png", ok=False)
    odd = cli("predict", pictures / "0.png", "--explain", tmp_path / "a.txt", ok=False)
    assert (several.returncode, odd.returncode) == (2, 2)
    assert not list(tmp_path.iterdir())


def test_a_list_and_lines_of_json_exclude_each_other(cli: Cli, pictures: Path) -> None:
    done = cli("predict", pictures / "0.png", "--json", "--jsonl", ok=False)
    assert done.returncode == 2
    assert "give one of them" in done.stderr


@pytest.mark.parametrize(("alone_s", "cores", "jobs", "apart"), [
    (1e9, 8, None, None), (0.0, 8, None, 3), (0.0, 2, None, 2), (0.0, 1, None, None), (1e9, 1, 2, 2), (0.0, 8, 1, None),
])  # fmt: skip
def test_processes_are_started_when_asked_for_or_when_reading_takes_long(
    monkeypatch: pytest.MonkeyPatch, alone_s: float, cores: int, jobs: int | None, apart: int | None
) -> None:
    """What takes less than a second does not pay for starting them."""
    command = importlib.import_module("digitrec_edge.cli.reading")
    started = []

    class Stub:
        def __init__(self, processes: int, *rest: object) -> None:
            started.append(processes)

        __enter__ = lambda self: self  # noqa: E731
        __exit__ = lambda self, *cause: None  # noqa: E731

        def read(self, named: list[Named]) -> Iterator[dict[str, str]]:
            return ({"apart": one.name} for one in named)

    monkeypatch.setattr(command, "ALONE_S", alone_s)
    monkeypatch.setattr("digitrec_edge.cli.cores.usable_cores", lambda: cores)
    monkeypatch.setattr("digitrec_edge.cli.reading_many.Readers", Stub)
    monkeypatch.setattr(command, "_read_or_refuse", lambda model, how, explain, one: {"here": one.name})
    asked = command._Asked(Path(), "", 1, How())
    read = [*command._read_all(None, [*map(Named, "abc")], asked, None, jobs)]
    assert read == [{"apart" if apart else "here": name} for name in "abc"]
    assert started == ([apart] if apart else [])


def test_a_picture_upside_down_is_told(cli: Cli, pictures: Path) -> None:
    four = np.pad(np.kron(mnist.load("test").images[4], np.ones((5, 5), np.uint8)), 20)
    upright, turned = pictures / "upright.png", pictures / "turned.png"
    Image.fromarray(four).save(upright)
    Image.fromarray(four[::-1, ::-1]).save(turned)
    done = cli("predict", upright, turned, ok=False)
    assert done.stdout.splitlines()[-1] == (
        "  (turned by 180 degrees it would be a 4, more surely: is the picture upside down?)"
    )
    assert len(done.stdout.splitlines()) == 3
    one, other = json.loads(cli("predict", upright, turned, "--json", ok=False).stdout)
    assert (one["turned"], one["turned_label"]) == (None, None)
    assert (other["turned"], other["turned_label"]) == (180, "4")
    both = pictures / "both.png"
    Image.fromarray(np.hstack([four, four])[::-1, ::-1]).save(both)
    (number,) = json.loads(cli("predict", both, "--multi", "--json", ok=False).stdout)
    assert (number["turned"], number["turned_label"]) == (180, None)
