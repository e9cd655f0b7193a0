"""The folder web/: put on the home screen it opens when the server is gone."""

import json
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from converters.html import folder
from digitrec_edge import artifact, pretrained
from digitrec_edge.errors import OutputError
from digitrec_edge.web import page as web_page
from tests.serving import wait_for
from tests.web.served import serving
from tests.web.test_labels import LETTERS, page_of
from tests.web.visits import visit

if TYPE_CHECKING:
    from tests.browser import Browser

pytestmark = pytest.mark.checkout
DIGIT, SIGN = (f"A {what}, read on this device" for what in ("digit", "sign"))
UPDATED = """navigator.serviceWorker.ready.then((one) => one.update()).then(({ installing }) => new Promise((done) => {
  if (!installing) return done(true);
  installing.addEventListener("statechange", () => ["activated", "redundant"].includes(installing.state) && done(true));
}))"""


@pytest.fixture(scope="module")
def served(page: Path) -> Path:
    """The folder beside the page."""
    folder(page)
    return page.with_name("web")


def test_the_folder_holds_a_page_that_is_an_artifact_too(served: Path) -> None:
    found = artifact.read(served / "index.html")
    assert found.card
    assert web_page.artifact_of(found.data) == pretrained.DEFAULT.read_bytes()


def test_a_folder_that_another_program_made_is_left_alone(page: Path, tmp_path: Path) -> None:
    """Flutter's apps have their own page in a folder of this name."""
    place = tmp_path / "web"
    place.mkdir()
    shutil.copy(page, tmp_path)
    for name in ("index.html", "worker.js"):
        (place / name).write_text("<!DOCTYPE html>\nmine")
        with pytest.raises(OutputError, match=f"{name}'.*it is there, .*give another --output"):
            folder(tmp_path / page.name)
        assert [(one.name, one.read_text()) for one in place.iterdir()] == [(name, "<!DOCTYPE html>\nmine")]
        (place / name).unlink()
    (place / "notes.txt").write_text("mine")
    for _ in range(2):
        folder(tmp_path / page.name)
    assert (place / "notes.txt").read_text() == "mine"


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


def test_it_opens_by_its_other_name_too(served: Path, browser: "Browser") -> None:
    with serving(served) as address:
        visit(browser, f"{address}/index.html")
        browser.evaluate("navigator.serviceWorker.ready.then(() => true)")
        visit(browser, f"{address}/index.html")
    browser.send("Network.clearBrowserCache")
    for query in ("", "?from=mail"):  # a connection that was open before may still have answered the first
        assert visit(browser, f"{address}/index.html{query}")["passed"]


def test_where_the_browser_s_store_fails_it_is_asked_of_the_server(
    served: Path, browser: "Browser", tmp_path: Path
) -> None:
    shutil.copytree(served, tmp_path / "site")
    worker = tmp_path / "site" / "worker.js"
    failing = """let broken = false;
      const open = caches.open.bind(caches);
      self.addEventListener("message", () => { broken = true; });
      caches.open = (name) => (broken ? Promise.reject(new DOMException("failed", "UnknownError")) : open(name));
    """
    worker.write_text(failing + worker.read_text())
    with serving(tmp_path / "site") as address:
        visit(browser, f"{address}/")
        browser.evaluate("navigator.serviceWorker.ready.then(() => true)")
        visit(browser, f"{address}/")
        browser.evaluate("navigator.serviceWorker.controller.postMessage('break')")
        assert visit(browser, f"{address}/")["passed"]
        assert browser.evaluate("Boolean(navigator.serviceWorker.controller)")


def titled(browser: "Browser", address: str) -> str:
    """Return the title of the page there, once it stands in the browser's own store."""
    visit(browser, address)
    browser.evaluate("navigator.serviceWorker.ready.then(() => true)")
    return str(browser.evaluate("document.title"))


@pytest.fixture
def signs(tmp_path: Path) -> Path:
    """The folder beside another page."""
    place = page_of(LETTERS, tmp_path)
    folder(place)
    return tmp_path / "signs"


def test_a_new_page_takes_the_place_of_one_that_the_browser_keeps(
    served: Path, signs: Path, browser: "Browser", tmp_path: Path
) -> None:
    shutil.copytree(served, tmp_path / "site")
    with serving(tmp_path / "site", kept=True) as address:
        assert titled(browser, f"{address}/") == DIGIT
        shutil.copytree(signs, tmp_path / "site", dirs_exist_ok=True)
        assert browser.evaluate("navigator.serviceWorker.ready.then((one) => one.update()).then(() => true)")
        wait_for(lambda: titled(browser, f"{address}/") == SIGN, "the new page is shown")


def test_a_worker_that_comes_before_its_page_does_not_keep_the_old_one(
    served: Path, signs: Path, browser: "Browser", tmp_path: Path
) -> None:
    site = Path(shutil.copytree(served, tmp_path / "site"))
    with serving(site) as address:
        assert titled(browser, f"{address}/") == DIGIT
        shutil.copy(signs / "worker.js", site)
        browser.evaluate(UPDATED)
        assert titled(browser, f"{address}/") == DIGIT
        shutil.copytree(signs, site, dirs_exist_ok=True)
        browser.evaluate(UPDATED)
        wait_for(lambda: titled(browser, f"{address}/") == SIGN, "the new page is shown")


def test_a_page_that_its_server_leads_to_opens_again(served: Path, browser: "Browser") -> None:
    with serving(served, led="/index.html") as address:
        assert titled(browser, f"{address}/") == DIGIT
        assert titled(browser, f"{address}/") == DIGIT
    browser.send("Network.clearBrowserCache")
    for name in ("", "index.html"):
        assert visit(browser, f"{address}/{name}")["passed"]


def test_two_folders_of_one_server_leave_each_other_alone(
    served: Path, signs: Path, browser: "Browser", tmp_path: Path
) -> None:
    shutil.copytree(served, tmp_path / "site" / "digits")
    shutil.copytree(signs, tmp_path / "site" / "signs")
    pages = {"digits": DIGIT, "signs": SIGN}
    with serving(tmp_path / "site") as address:
        assert {name: titled(browser, f"{address}/{name}/") for name in pages} == pages
    browser.send("Network.clearBrowserCache")  # which is not what the service workers keep
    assert {name: titled(browser, f"{address}/{name}/") for name in pages} == pages
