"""What the tests share: artifacts of a really trained model, made once by the command line."""

import ast
import dataclasses
import functools
import hashlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from digitrec_edge import mnist, pretrained
from digitrec_edge.formats import FORMATS
from digitrec_edge.installation.machine import describe_machine
from digitrec_edge.quantization import SIDE
from runtimes import RUNTIMES, Model, load
from tests.fork_server import ForkServer

if TYPE_CHECKING:
    from benchmarks.results.document import Quality, Result, Run
    from benchmarks.results.statistics import Summary
    from tests.browser import Browser

ROOT = Path(__file__).parents[1]

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs are started deaf to Ctrl-C
os.environ["DIGITREC_KEY"] = ""  # no key that this machine's configuration holds has a say in the tests
BUILD = ROOT / "build" / "test"
DESKTOP_PYTHON = os.environ.get("DIGITREC_DESKTOP_PYTHON", sys.executable)
"""Trains and exports; another one than that of the tests where those run without TensorFlow."""


PACKAGES = ("digitrec_edge", "converters", "runtimes", "benchmarks")


def sources_of(*entries: str) -> list[Path]:
    """Return the files of our modules that these modules reach by their imports, and the data beside them.

    A package's ``__init__`` counts where a name is taken from it, not where it is only passed through.
    """
    reached: set[Path] = set()
    waiting = [_module(entry) for entry in entries]
    while waiting:
        path = waiting.pop()
        if path is None or path in reached:
            continue
        reached.add(path)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                waiting += [_module(name.name) for name in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                inside = [_module(f"{node.module}.{name.name}") for name in node.names]
                waiting += [path for path in inside if path] or [_module(node.module)]
                waiting += [_module(node.module)] * (not all(inside))
    folders = {path.parent for path in reached}
    beside = {path for folder in folders for pattern in ("*.json", "c/*") for path in folder.glob(pattern)}
    return sorted(reached | beside)


def _module(name: str) -> Path | None:
    if name.split(".")[0] not in PACKAGES:
        return None
    path = ROOT.joinpath(*name.split("."))
    return next((p for p in (path.with_suffix(".py"), path / "__init__.py") if p.exists()), None)


def _digest(*entries: str, text: str = "") -> str:
    """Change when anything changes that these modules' work depends on, and not when anything else does."""
    content = [path.read_bytes() for path in [*sources_of(*entries), ROOT / "constraints.txt"]]
    return hashlib.sha256(b"".join([*content, text.encode()])).hexdigest()[:12]


def compiled() -> Path:
    """The folder where TensorFlow keeps what it has compiled on this processor for the code as it is."""
    return BUILD / f"compiled-{_digest(*TRAINING, text=repr(describe_machine().cpu))}"


@pytest.fixture(scope="session", autouse=True)
def compiled_once() -> None:
    """Let TensorFlow compile once what the same tests compile again: a training of a few images is little else.

    ``test_training`` compares with a process that compiles anew.
    """
    compiled().mkdir(parents=True, exist_ok=True)
    os.environ["TF_XLA_FLAGS"] = f"--tf_xla_persistent_cache_directory={compiled()}"


@pytest.fixture(scope="session")
def cli(request: pytest.FixtureRequest) -> "Callable[..., subprocess.CompletedProcess[str]]":
    """Runs ``digitrec-edge`` in a process of its own: ``cli("inspect", path)``, with these by name.

    ``cwd`` is the working folder; ``ok=False`` allows an exit status other than 0; with ``brief=True`` one round is
    enough for ``benchmark --quick``, and one tool of training for ``doctor``: for where the figures do not matter.
    """
    BUILD.mkdir(parents=True, exist_ok=True)
    desktop = any(item.get_closest_marker("desktop") for item in request.session.items)
    server = functools.cache(ForkServer)

    def run(
        *arguments: str | Path, cwd: Path = BUILD, ok: bool = True, brief: bool = False
    ) -> "subprocess.CompletedProcess[str]":
        needs_tensorflow = desktop and arguments[:1] in (("train",), ("export",))
        done = server(needs_tensorflow).run([*map(str, arguments)], cwd, brief)
        if ok and done.returncode:
            raise AssertionError(f"{arguments} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
        return done

    return run


@pytest.fixture(scope="session")
def fork_server() -> type[ForkServer]:
    """For commands of another copy of the packages."""
    return ForkServer


TRAINING = ("digitrec_edge.training.run", "digitrec_edge.training.history")
EXPORT = (
    "digitrec_edge.export", "benchmarks.measure.logits",
    *(f"converters.{row.name}" for row in FORMATS), *(row.module for row in FORMATS), *(row.module for row in RUNTIMES),
)  # fmt: skip
RUNS: dict[str, list[list[str]]] = {
    "model": [["train", "--recipe", "reference", "--epochs", "2", "--output", "model.keras"]],
    "artifacts": [
        ["export", "model.keras", "--all", "--output", "artifacts"],
        ["export", "model.keras", "--all", "--target", "tflite-runtime", "--output", "old"],
        ["export", "model.keras", "--int8", "--int4", "--target", "litert-web", "--output", "elsewhere"],
    ],
}


def make_artifacts() -> Path:
    """Train and export, unless that has been done for the code as it is; forget what older code made."""
    model = BUILD / f"model-{_digest(*TRAINING, text=repr(RUNS['model']))}"
    folder = BUILD / f"artifacts-{_digest(*EXPORT, text=model.name + repr(RUNS['artifacts']))}"
    server = functools.cache(lambda: ForkServer(True, DESKTOP_PYTHON))
    if not (folder / "ready").exists():  # a board is sent this folder alone and could not train
        _make(model, RUNS["model"], server)
        folder.mkdir(parents=True, exist_ok=True)
        for path in model.glob("model.*"):
            shutil.copy2(path, folder)
    _make(folder, RUNS["artifacts"], server)
    for stale in BUILD.iterdir():
        if stale not in (model, folder, compiled()) and stale.is_dir():
            shutil.rmtree(stale)
    return folder


def _make(folder: Path, runs: list[list[str]], server: Callable[[], ForkServer]) -> None:
    if (folder / "ready").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    for arguments in runs:
        done = server().run(arguments, folder, brief=False)
        if done.returncode:
            raise AssertionError(f"{arguments} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    (folder / "ready").touch()


@pytest.fixture(scope="session")
def trained() -> Path:
    """A folder with model.keras, its history, artifacts/ of all variants, old/ and elsewhere/: for other targets."""
    return make_artifacts()


@pytest.fixture(scope="session")
def artifacts(trained: Path) -> Path:
    """The folder of the exported artifacts."""
    return trained / "artifacts"


@pytest.fixture(scope="session")
def web_artifacts(trained: Path) -> Path:
    """The folder of the integer artifacts for LiteRT.js."""
    return trained / "elsewhere"


@pytest.fixture(scope="session")
def wheel_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of the tracked files, so that no old build folder can add to it."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in names.splitlines():
        if (ROOT / name).exists() and not name.startswith("tests/"):
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(target), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = target.glob("*.whl")
    return path


@pytest.fixture(scope="session")
def mnist_test() -> mnist.Digits:
    """MNIST's test set."""
    return mnist.load("test")


@pytest.fixture(scope="session")
def pretrained_model() -> Iterator[Model]:
    """The pretrained int8 model; no test may close it."""
    with load(pretrained.DEFAULT) as model:
        yield model


@pytest.fixture(scope="session")
def draw_page() -> "Callable[..., NDArray[np.uint8]]":
    """Draws digits in black on white: one in the middle, or several at places (top, left)."""

    def draw(
        digits: "NDArray[np.uint8]",
        size: int = 140,
        places: Sequence[tuple[int, int]] = (),
        shape: tuple[int, int] | None = None,
    ) -> "NDArray[np.uint8]":
        drawn = np.full(shape or (2 * size, 2 * size), 255, np.uint8)
        for digit, (top, left) in zip(digits.reshape(-1, SIDE, SIDE), places or [(size // 2, size // 2)], strict=True):
            drawn[top : top + size, left : left + size] -= np.asarray(Image.fromarray(digit).resize((size, size)))
        return drawn

    return draw


@pytest.fixture(scope="session")
def make_summary() -> "Callable[..., Summary]":
    """Makes a summary whose median is ``p50`` microseconds, +- ``noise`` (a share)."""
    from benchmarks.results.statistics import Summary

    def make(p50: float, noise: float = 0.01) -> Summary:
        quantiles = tuple(p50 * (0.9 + 0.002 * k) for k in range(101))
        low, high = p50 * (1 - noise), p50 * (1 + noise)
        return Summary(
            1000, p50, (low, high), p50 * 1.08, p50 * 1.098, p50, p50 / 20, p50 * 0.9, p50 * 1.1, (low, p50, high), 100,
            p50 * 1.01, quantiles, None,
        )  # fmt: skip

    return make


@pytest.fixture(scope="session")
def make_quality() -> "Callable[..., Quality]":
    """Makes the quality of an artifact that reads these of 10,000 images wrong, each one digit too high."""
    from benchmarks.quality.answers import pack_answers
    from benchmarks.results.document import Quality

    labels = (np.arange(10_000) % 10).astype(np.uint8)

    def make(
        wrong: "Sequence[int]" = (),
        agreement: float | None = None,
        *,
        test_sha256: str = "a" * 64,
        answers: bool = True,
    ) -> Quality:
        digits = labels.astype(np.int64)
        digits[list(wrong)] = (digits[list(wrong)] + 1) % 10
        accuracy = 1 - len(wrong) / len(labels)
        packed = pack_answers(digits, labels, test_sha256) if answers else None
        return Quality(accuracy, (accuracy,) * 10, packed, None, agreement, None, "")

    return make


@pytest.fixture(scope="session")
def make_result(make_summary: "Callable[..., Summary]") -> "Callable[..., Result]":
    """Makes a result: ``make_result("int8", "litert", p50=4.0)``; other fields by name."""
    from benchmarks.measure.memory import Memory
    from benchmarks.results.document import Quality, Result, Starts
    from benchmarks.results.validity import QUANTITIES

    def make(
        variant: str = "int8", runtime: str = "litert", p50: float = 10.0, noise: float = 0.01, **fields: Any
    ) -> Result:
        whole, alone = make_summary(p50, noise), make_summary(p50 * 0.6, noise)
        fields.setdefault("unreliable", QUANTITIES if fields.get("status") == "invalid" else ())
        standard = Result(
            f"digitrec-{variant}.tflite", "tflite", variant, "0" * 64, 1_000_000 if variant == "float32" else 250_000,
            runtime, "1.2.3", 1, 1, "ok", (), (), (1,), Quality(0.98, (0.98,) * 10, None, 0.98, 1.0, 1e-6, ""),
            Starts((5.0,), (6.0,), (100.0,), (400.0,)), alone, whole, Memory(60_000_000, 40_000_000),
        )  # fmt: skip
        return dataclasses.replace(standard, **fields)

    return make


@pytest.fixture(scope="session")
def make_run() -> "Callable[..., Run]":
    """Makes a run of results; fields of the run and of its environment by name."""
    from benchmarks.measure.environment import Condition, Environment
    from benchmarks.measure.latency import EFFORTS, Timer
    from benchmarks.results.document import Run

    def make(*results: "Result", device: str = "board", **fields: Any) -> Run:
        environment = Environment(
            None, "A CPU", 4, 4, "aarch64", 64, ("asimd",), "performance", 600.0, 1800.0, 1 << 30, "An OS", "6.1", None,
            "3.11.2", {"numpy": "1.26.4"},
        )  # fmt: skip
        own = {name: fields.pop(name) for name in [*fields] if hasattr(environment, name)}
        standard = Run(
            device, "2026-01-01T00:00:00+00:00", 12.0, False, EFFORTS["quick"], 0, Timer(50.0, 1.0),
            dataclasses.replace(environment, **own), (Condition(0.0, 1800.0, 50.0, 0.1, None),), results,
        )  # fmt: skip
        return dataclasses.replace(standard, **fields)

    return make


@pytest.fixture(scope="session")
def open_browser() -> "Callable[[], Browser]":
    """Starts a headless Chromium; skips, by name, where none is installed."""
    spec = importlib.util.spec_from_file_location("digitrec_test_browser", Path(__file__).with_name("browser.py"))
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    executable = module.find_browser()
    if executable is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    return lambda: module.Browser(executable)


@pytest.fixture(scope="session")
def old_artifacts(trained: Path) -> Path:
    """The folder of the artifacts that were exported with ``--target tflite-runtime``."""
    return trained / "old"


@pytest.fixture(scope="session")
def loaded(artifacts: Path, old_artifacts: Path) -> "Iterator[Callable[[str, str], Model]]":
    """Loads an artifact in a runtime once for all tests; none of them may close it."""
    models: dict[tuple[str, str], Model] = {}

    def get(name: str, runtime: str) -> Model:
        if (name, runtime) not in models:
            folder = artifacts if (artifacts / name).exists() else old_artifacts
            models[name, runtime] = load(folder / name, runtime)
        return models[name, runtime]

    yield get
    for model in models.values():
        model.close()


if __name__ == "__main__":
    make_artifacts()
