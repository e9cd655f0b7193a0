"""digitrec-edge on the emulated boards: everything that a person does there, and the same answers as here."""

import json
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dense_logits import dense_logits, rounding_of
from emulated_pi.installation import Installation
from emulated_pi.setups import Setup
from emulated_pi.userland import BUILD
from numpy.typing import NDArray
from PIL import Image

from digitrec_edge import artifact, mnist

pytestmark = [pytest.mark.pi, pytest.mark.checkout]

ON_BOARD = Path(__file__).parent / "on_board"
FLOAT_TOLERANCE = 1e-4
"""The same sums in another order: 784 products of magnitude 1 differ by about 1e-5."""
MOST_INSTALLED_BYTES = 110_000_000
MOST_MEMORY_BYTES = 80 << 20
PICTURES = 5


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Pictures as a phone gives them: dark ink on light paper, larger than the model's."""
    folder = tmp_path_factory.mktemp("pictures")
    paths = []
    for number, image in enumerate(mnist.load("test").images[:PICTURES]):
        paths.append(folder / f"digit-{number}.png")
        Image.fromarray(255 - image).resize((140, 140), Image.Resampling.BICUBIC).save(paths[-1])
    return paths


@pytest.fixture(scope="session")
def here(pi_artifacts: Path) -> tuple[dict[str, NDArray[Any]], dict[str, dict[str, str]]]:
    """The answers on this machine."""
    output = BUILD / "answers-here.npz"
    done = subprocess.run(
        [sys.executable, str(ON_BOARD / "answers.py"), str(pi_artifacts), str(output)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    with np.load(output) as arrays:
        return dict(arrays), json.loads(done.stdout)


@pytest.fixture(scope="session")
def there(board: Installation) -> tuple[dict[str, NDArray[Any]], dict[str, dict[str, str]]]:
    """The answers on the board."""
    done = board.python("-", "artifacts", "answers.npz", stdin=(ON_BOARD / "answers.py").read_text())
    with np.load(board.machine.home / "answers.npz") as arrays:
        return dict(arrays), json.loads(done.stdout)


def test_there_is_no_tensorflow(board: Installation) -> None:
    heavy = ("tensorflow", "keras", "onnx", "tf2onnx", "matplotlib", "scipy", "pandas")
    assert [name for name in heavy if (board.packages / name).exists()] == []
    code = "import importlib.util as u, sys; print([n for n in sys.argv[1:] if u.find_spec(n)])"
    assert board.python("-c", code, *heavy).stdout.strip() == "[]"


def test_what_is_installed_with_base_and_tflite_is_small(board: Installation, setup: Setup) -> None:
    size = sum(path.lstat().st_size for path in board.packages.rglob("*") if "__pycache__" not in path.parts)
    bytecode = sum(path.lstat().st_size for path in board.packages.rglob("*.pyc"))
    print(f"\n{setup.name}: {size / 1e6:.1f} MB installed, and {bytecode / 1e6:.1f} MB of bytecode after use")
    if setup.extras == ("tflite",):
        assert size < MOST_INSTALLED_BYTES


def test_doctor_finds_the_runtimes_at_work_and_advises_what_was_installed(board: Installation, setup: Setup) -> None:
    report = json.loads(board.run("doctor", "--json").stdout)
    assert report["ready"]
    assert {row["name"] for row in report["runtimes"] if row["status"] == "works"} == set(setup.runtimes)
    assert report["machine"]["machine"] == setup.userland.machine
    assert report["machine"]["board"] == (setup.board.model if setup.board.named else None)
    advice = report["advice"]
    wanted = setup.extras[0] if setup.extras else ""
    assert advice["extra"] == wanted or any(f"extra {wanted} " in note for note in advice["notes"])


def test_verify_passes_on_the_boards_artifacts(board: Installation, there: tuple[Any, Any], setup: Setup) -> None:
    names = [name for name in there[1]["kernels"] if name.partition(" on ")[0] in setup.benchmarks]
    assert {name.partition(" on ")[0] for name in names} == {*setup.benchmarks}
    for name in names:
        file, _, runtime = name.partition(" on ")
        said = board.run("verify", f"artifacts/{file}", "--runtime", runtime).stdout
        assert "whole; not signed" in said, name


def test_verify_refuses_an_artifact_with_one_bit_changed(board: Installation, pi_artifacts: Path) -> None:
    data = bytearray((pi_artifacts / "digitrec-int8.tflite").read_bytes())
    data[len(data) // 2] ^= 1
    (board.machine.home / "changed.tflite").write_bytes(data)
    done = board.run("verify", "changed.tflite", ok=False)
    assert done.returncode == 1
    assert "damaged" in done.stderr


def test_inspect_shows_the_card(board: Installation) -> None:
    shown = json.loads(board.run("inspect", "artifacts/digitrec-int8.tflite", "--json").stdout)
    assert shown["card"]["variant"] == "int8"


def test_predict_reads_pictures_as_it_does_here(board: Installation, pictures: list[Path]) -> None:
    for picture in pictures:
        (board.machine.home / picture.name).write_bytes(picture.read_bytes())
    names = [picture.name for picture in pictures]
    there = json.loads(board.run("predict", *names, "--json").stdout)
    command = [sys.executable, "-m", "digitrec_edge", "predict", *map(str, pictures), "--json"]
    here = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert [result["digit"] for result in there] == [result["digit"] for result in here]
    assert [result["digit"] for result in there] == mnist.load("test").labels[:PICTURES].tolist()


def test_every_test_digit_is_the_one_that_comes_out_here(
    here: tuple[Any, Any], there: tuple[Any, Any], setup: Setup
) -> None:
    assert there[1]["kernels"].keys() <= here[1]["kernels"].keys()
    assert {name.partition(" on ")[2] for name in there[1]["kernels"]} == set(setup.runtimes)
    differing = {}
    for name in there[1]["kernels"]:
        digits = [answers[0][name].argmax(axis=1) for answers in (here, there)]
        differing[name] = int((digits[0] != digits[1]).sum()) + int(
            (here[0][f"{name} singly"] != there[0][f"{name} singly"]).sum()
        )
    assert {name: count for name, count in differing.items() if count} == {}


def test_static_int8_answers_are_known_byte_for_byte(
    here: tuple[Any, Any], there: tuple[Any, Any], pi_artifacts: Path, setup: Setup
) -> None:
    """The same bytes as here where both kernels round alike, and to the byte those of the board's kernel anyway."""
    images, compared = mnist.load("test").images, []
    for name, kernels in there[1]["kernels"].items():
        file = name.partition(" on ")[0]
        exact = ("int8", "int4") if name.endswith(" on native") else ("int8",)
        if _variant(pi_artifacts, name) in exact and file.endswith(".tflite"):
            ways = [rounding_of(kernels, machine) for machine in (platform.machine(), setup.userland.machine)]
            answer = dense_logits(pi_artifacts / file, images, ways[1])
            assert there[0][name].tobytes() == answer.tobytes(), f"{name}: {kernels}"
            if ways[0] is ways[1]:
                assert there[0][name].tobytes() == here[0][name].tobytes(), f"{name}: {here[1]['kernels'][name]} here"
            same = "as here" if ways[0] is ways[1] else f"not as here ({ways[0].name})"
            compared.append(f"{name}: {kernels}, {ways[1].name}, {same}")
        elif _variant(pi_artifacts, name) == "int8":
            assert there[0][name].tobytes() == here[0][name].tobytes(), f"{name}: {kernels}"
            compared.append(f"{name}: {kernels}, as here")
    print("\n" + "\n".join(compared))
    assert compared


def test_float_answers_are_the_same_within_rounding(
    here: tuple[Any, Any], there: tuple[Any, Any], pi_artifacts: Path, setup: Setup
) -> None:
    names = [name for name in there[1]["kernels"] if _variant(pi_artifacts, name) == "float32"]
    assert bool(names) == (setup.runtimes != ("native",))
    for name in names:
        assert np.abs(there[0][name] - here[0][name]).max() <= FLOAT_TOLERANCE, name


def test_what_a_runtime_refuses_is_refused_with_a_reason(there: tuple[Any, Any], setup: Setup) -> None:
    refused = there[1]["refused"]
    if "tflite-runtime" in setup.runtimes:
        assert any("int8-dynamic" in name for name in refused)
    for name, reason in refused.items():
        assert "tflite-runtime" in name or "on native" in name, (name, reason)
        assert "needs " in reason or "computes with " in reason, (name, reason)


def test_benchmark_measures_artifacts_in_every_runtime_that_runs_them(
    board: Installation, there: tuple[Any, Any], setup: Setup
) -> None:
    files = [f"artifacts/{name}" for name in setup.benchmarks]
    runtimes = [word for runtime in setup.runtimes for word in ("--runtime", runtime)]
    board.run("benchmark", *files, *runtimes, "--quick", "--json", "benchmark.json", timeout_s=1200)
    document = json.loads((board.machine.home / "benchmark.json").read_text())
    (run,) = document["runs"]
    assert run["device"] == setup.board.model or not setup.board.named
    measured = {f"{each['artifact']} on {each['runtime']}": each for each in run["results"] if each["end_to_end"]}
    assert measured.keys() == {name for name in there[1]["kernels"] if name.partition(" on ")[0] in setup.benchmarks}
    for each in measured.values():
        assert each["quality"]["agreement"] > 0.99


def test_a_prediction_takes_little_memory(board: Installation, setup: Setup, pictures: list[Path]) -> None:
    (board.machine.home / "memory.png").write_bytes(pictures[0].read_bytes())
    script = (ON_BOARD / "memory.py").read_text()
    there = json.loads(board.python("-", "memory.png", stdin=script).stdout)
    native = subprocess.run(
        [sys.executable, "-", str(pictures[0])], input=script, capture_output=True, text=True, check=True
    )
    here = json.loads(native.stdout)
    print(
        f"\n{setup.name}: {there['watched'] / 2**20:.1f} MiB of its own on the board, "
        f"{here['kernel'] / 2**20:.1f} MiB on this machine"
    )
    assert here["watched"] == pytest.approx(here["kernel"], rel=0.05), "the two ways to measure must agree"
    assert 10 << 20 < there["watched"] < MOST_MEMORY_BYTES


def _variant(folder: Path, name: str) -> str:
    card = artifact.read(folder / name.partition(" on ")[0]).card
    assert card is not None
    return card.variant
