"""The folder web/: put on the home screen it opens when the server is gone."""

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from converters.html import folder
from digitrec_edge import artifact, pretrained
from digitrec_edge.web import page as web_page
from tests.web.served import serving
from tests.web.visits import visit

if TYPE_CHECKING:
    from tests.browser import Browser

pytestmark = pytest.mark.checkout


@pytest.fixture(scope="module")
def served(page: Path) -> Path:
    """The folder beside the page."""
    folder(page)
    return page.with_name("web")


def test_the_folder_holds_a_page_that_is_an_artifact_too(served: Path) -> None:
    found = artifact.read(served / "index.html")
    assert found.card
    assert web_page.artifact_of(found.data) == pretrained.DEFAULT.read_bytes()


def test_the_manifest_names_icons_that_are_there(served: Path) -> None:
    manifest = json.loads((served / "manifest.webmanifest").read_bytes())
    assert manifest["display"] == "standalone"
    for one in manifest["icons"]:
        with Image.open(served / one["src"]) as icon:
            assert f"{icon.width}x{icon.height}" == one["sizes"]


def test_it_opens_when_the_server_is_gone(served: Path, browser: "Browser") -> None:
    browser.complaints.clear()
    browser.requests.clear()
    with serving(served) as address:
        assert visit(browser, f"{address}/")["passed"]
        assert browser.evaluate("navigator.serviceWorker.ready.then(() => true)")
        manifest = browser.evaluate("document.querySelector('link[rel=manifest]').href")
        assert manifest == f"{address}/manifest.webmanifest"
        time.sleep(0.2)
        assert {url for url in browser.requests if not url.startswith("data:")} <= {
            f"{address}/", f"{address}/manifest.webmanifest", f"{address}/icon-192.png", f"{address}/worker.js",
        }  # fmt: skip
        visit(browser, f"{address}/")
        assert browser.evaluate("Boolean(navigator.serviceWorker.controller)")
    assert visit(browser, f"{address}/")["passed"]
    assert browser.evaluate("digitrec.classify(new Uint8Array(784))") == -1
    assert browser.complaints == []
