"""What the page's tests share: node, a browser, the page of the pretrained model, and what LiteRT answers."""

import base64
import gzip
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.typing import NDArray

from digitrec_edge import artifact, mnist, pretrained
from digitrec_edge.dense.network import UNSIGNED
from digitrec_edge.dense.rounding import find_rounding
from digitrec_edge.dense.tflite import read_network
from digitrec_edge.formats import SAMPLE_FILE
from runtimes.table import find

if TYPE_CHECKING:
    from tests.browser import Browser

ROOT = Path(__file__).parents[2]
WEB = ROOT / "digitrec_edge" / "web"


@pytest.fixture(scope="session")
def node() -> Callable[..., Any]:
    """Runs one of the scripts beside this file in node with arguments, and returns what it prints as JSON."""
    executable = shutil.which("node")
    if executable is None:
        pytest.skip("node is not installed: apt-get install nodejs")

    def run(script: str, *arguments: str | Path) -> Any:
        path = Path(__file__).with_name(script)
        done = subprocess.run([executable, path, *map(str, arguments)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


@pytest.fixture(scope="session")
def logits(pretrained_model: Any) -> NDArray[np.int8]:
    """LiteRT's int8 logits of the 10,000 test images, ``(10000, 10)``; without LiteRT, its arithmetic in numpy."""
    images = mnist.load("test").images
    if find("litert").installed and pretrained_model.runtime == "litert":
        output = pretrained_model.output
        steps = np.rint(pretrained_model.logits(images) / np.float32(output.scale)) + output.zero_point
        return np.asarray(steps, np.int8)
    network = read_network(artifact.read(pretrained.DEFAULT).payload)
    return (network.run(images, find_rounding("litert")).astype(np.int16) - UNSIGNED).astype(np.int8)


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the pretrained int8 artifact."""
    found = artifact.read(pretrained.DEFAULT)
    assert found.card
    path = tmp_path_factory.mktemp("page") / "digitrec.html"
    artifact.write(path, found.payload, found.card, found.files[SAMPLE_FILE], envelope="html")
    return path


@pytest.fixture(scope="session")
def browser(open_browser: "Callable[[], Browser]") -> "Iterator[Browser]":
    """One Chromium for all tests of the page."""
    with open_browser() as browser:
        yield browser


@pytest.fixture(scope="session")
def packed_images() -> str:
    """The 10,000 test images, for a page: gzip in base64."""
    return base64.b64encode(gzip.compress(mnist.load("test").images.tobytes(), 6)).decode()
