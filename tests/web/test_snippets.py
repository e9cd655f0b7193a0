"""The snippets of docs/mobile.md, run as they stand there: in the page, in node, in Java, in C, in other runtimes."""

import base64
import json
import re
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from digitrec_edge import mnist
from runtimes import load
from tests import npm
from tests.java_host import MISSING

if TYPE_CHECKING:
    from tests.browser import Browser

pytestmark = pytest.mark.checkout
ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "mobile.md").read_text() if (ROOT / "docs").exists() else ""
FENCE = re.compile(r"(?:<!-- run: (?P<where>[\w, -]+) -->\n)?```(?P<language>\w+)\n(?P<body>.*?)```", re.S)
NEVER = "This snippet was never run here"
PICTURE, DIGIT = mnist.load("test").images[0], int(mnist.load("test").labels[0])
needs_npm = pytest.mark.skipif(bool(npm.missing()), reason=npm.missing() or "all is here")


def snippet(where: str) -> str:
    (body,) = [match["body"] for match in FENCE.finditer(PAGE) if match["where"] == where]
    return body


def test_every_snippet_is_run_or_says_that_it_never_was() -> None:
    run = {"page", "node", "java", "c", "c, by", "litert-web", "onnxruntime-web"}
    found = {match["where"] for match in FENCE.finditer(PAGE) if match["where"]}
    assert found == run
    for match in FENCE.finditer(PAGE):
        if match["where"] is None and match["language"] != "sh":
            before = PAGE[: match.start()].rstrip().rpartition("\n\n")[2]
            assert NEVER in before, match["body"]


@pytest.fixture
def place(tmp_path: Path, artifacts: Path) -> Path:
    """A folder with a picture, an artifact, the modules and the unpacked libraries, as the page has it."""
    (tmp_path / "picture.bin").write_bytes(PICTURE.tobytes())
    shutil.copy(artifacts / "digitrec-int8.tflite", tmp_path)
    (tmp_path / "digitrec_edge").mkdir()
    (tmp_path / "digitrec_edge" / "web").symlink_to(ROOT / "digitrec_edge" / "web")
    return tmp_path


def said(command: list[str] | str, place: Path, picture: bytes = b"") -> str:
    done = subprocess.run(
        command, cwd=place, input=picture, capture_output=True, check=False, shell=isinstance(command, str)
    )
    assert (done.returncode, done.stderr) == (0, b""), command
    return done.stdout.decode()


def test_in_the_page(browser: "Browser", page: Path) -> None:
    browser.open(page, width=390)
    given = base64.b64encode(PICTURE.tobytes()).decode()
    grey = np.kron(255 - PICTURE, np.ones((4, 4), np.uint8))
    answers = browser.evaluate(
        "(async () => { const heard = [], console = { log: (...words) => heard.push(words.map((word) => "
        "ArrayBuffer.isView(word) ? [...word] : word)) };"
        "const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));"
        f"const picture = bytes({json.dumps(given)}), width = 112, height = 112,"
        f"grey = bytes({json.dumps(base64.b64encode(grey.tobytes()).decode())});"
        f"{snippet('page')}; return heard; }})()"
    )
    (number,), (logits,), (digit, probability, box) = answers
    assert number == digit == int(np.argmax(logits)) == DIGIT
    assert probability > 0.9
    assert box.keys() == {"left", "top", "right", "bottom"}


def test_in_node(place: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed: apt-get install nodejs")
    (place / "read.mjs").write_text(snippet("node"))
    assert said([node, "read.mjs"], place) == f"simd {DIGIT}\n"


@pytest.mark.skipif(bool(MISSING), reason=f"there is no JDK: {' '.join(MISSING)}")
def test_in_java(place: Path, artifacts: Path) -> None:
    with zipfile.ZipFile(artifacts / "digitrec-int8-java.zip") as archive:
        archive.extractall(place)
    source = place / "digitrec" / "src" / "main"
    (source / "java" / "ReadDigit.java").write_text(snippet("java"))
    said(
        f"javac --release 8 -Xlint:-options -d classes {source}/java/ReadDigit.java {source}/java/digitrec/*.java",
        place,
    )
    assert said(["java", "-cp", f"classes:{source / 'resources'}", "ReadDigit"], place) == f"digit {DIGIT}\n"


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler: apt-get install gcc")
def test_in_c(place: Path, artifacts: Path) -> None:
    with zipfile.ZipFile(artifacts / "digitrec-int8-c.zip") as archive:
        archive.extractall(place)
    (place / "main.c").write_text(snippet("c"))
    said(snippet("c, by").strip(), place)
    assert said(["./main"], place, PICTURE.tobytes()) == f"digit {DIGIT}\n"


@needs_npm
@pytest.mark.parametrize("name", ["litert-web", "onnxruntime-web"])
def test_in_runtimes_of_others(artifacts: Path, web_artifacts: Path, name: str) -> None:
    for path in (web_artifacts / "digitrec-int8-litert-web.tflite", artifacts / "digitrec-int8.onnx"):
        shutil.copy(path, npm.FOLDER)
        with load(path) as model:
            assert model.classify(PICTURE) == DIGIT
    given = f"const picture = Uint8Array.from({PICTURE.reshape(-1).tolist()});\n"
    heard = "const console = { log: (...words) => (globalThis.heard = words) };\n"
    (npm.FOLDER / f"{name}.mjs").write_text(given + heard + snippet(name))
    with npm.runtimes_page() as page:
        assert page.heard(f"/{name}.mjs") == [DIGIT]
