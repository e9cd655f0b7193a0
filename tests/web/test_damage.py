"""A damaged page never answers: wherever in the file a bit is flipped, it says so and offers nothing."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from digitrec_edge import artifact
from digitrec_edge.errors import ArtifactError
from tests.web.served import serving

if TYPE_CHECKING:
    from tests.browser import Browser

pytestmark = pytest.mark.checkout
CHUNK, NAVIGATED = 100, 12
TRY_ALL = """(async (flips) => {
  const page = new Uint8Array(await (await fetch("digitrec.html")).arrayBuffer());
  const attempt = async ([at, bit]) => {
    const bytes = page.slice();
    if (at >= 0) bytes[at] ^= 1 << bit;
    const frame = document.createElement("iframe"), blob = new Blob([bytes], { type: "text/html" });
    const address = URL.createObjectURL(blob);
    await new Promise((done) => { frame.onload = done; frame.src = address; document.body.append(frame); });
    const inside = frame.contentWindow, ready = inside.digitrec?.ready;
    const answered = ready ? await ready.then(() => true, () => false) : false;
    const found = {
      answered, offered: Boolean(inside.digitrec?.logits), words: inside.document.documentElement.innerText ?? "",
    };
    frame.remove();
    URL.revokeObjectURL(address);
    return found;
  };
  const results = new Array(flips.length);
  let next = 0;
  await Promise.all([1, 2, 3, 4].map(async () => {
    while (next < flips.length) {
      const mine = next++;
      results[mine] = await attempt(flips[mine]);
    }
  }));
  return results;
})"""


def same_document(data: bytes, at: int, bit: int) -> bool:
    """Whether a flip changes only the case of a letter of a tag or an attribute's name, or what a tag's end is called.

    Such a file is the same document to every browser: names in HTML have no case, and an end tag that does not fit is
    passed over.
    """
    before, after = data[: at + 1], data[at:]
    inside = before.rfind(b"<") > before.rfind(b">")
    quoted = before[before.rfind(b"<") :].count(b'"') % 2 == 1
    name = inside and not quoted and bit == 5 and data[at : at + 1].isalpha()
    closing = before[before.rfind(b"<") :][:6] in (b"</html", b"</body", b"</head") and b">" in after[:8]
    return name or closing


@pytest.mark.parametrize("count", [30, pytest.param(1_000, marks=pytest.mark.long)])
def test_a_flipped_bit_anywhere_is_refused_in_words(page: Path, browser: "Browser", tmp_path: Path, count: int) -> None:
    data = page.read_bytes()
    flips = [(k * len(data) // count + 97 * k % 300 % (len(data) // count), (3 * k + k // 8) % 8) for k in range(count)]
    head = data.index(b'<script id="artifact"') + 60
    flips += [(at, (at * 5) % 8) for at in range(0, head, 7_000 // count)]  # what comes before the data, closely
    flips += [(len(data) - 1 - at, at % 7) for at in range(0, 90, 3)]
    (tmp_path / "index.html").write_text("<!DOCTYPE html><title>frames</title><body>")
    (tmp_path / "digitrec.html").write_bytes(data)
    with serving(tmp_path) as address:
        browser.open(address, width=390, mobile=True)
        whole, *found = [
            one
            for start in range(0, len(flips) + 1, CHUNK)
            for one in browser.evaluate(f"{TRY_ALL}({json.dumps([(-1, 0), *flips][start : start + CHUNK])})")
        ]
    assert whole["answered"]
    assert whole["offered"]
    answered = [
        flip for flip, one in zip(flips, found, strict=True) if one["answered"] and not same_document(data, *flip)
    ]
    assert answered == []
    refused = [(flip, one) for flip, one in zip(flips, found, strict=True) if not one["answered"]]
    assert len(refused) > 0.99 * len(flips)
    for flip, one in refused:
        assert not one["offered"], flip
        assert "damaged" in one["words"] or "This page" in one["words"], (flip, one["words"][:200])
    browser.complaints.clear()


def test_it_is_so_from_a_file_too(page: Path, browser: "Browser", tmp_path: Path) -> None:
    data = page.read_bytes()
    places = {name: data.index(f'<script id="{name}"'.encode()) + 700 for name in ("artifact", "app", "boot")}
    for k in range(NAVIGATED):
        at = places[["artifact", "app", "boot"][k % 3]] + 31 * k
        damaged = bytearray(data)
        damaged[at] ^= 1 << (k % 7)
        (tmp_path / "digitrec.html").write_bytes(damaged)
        browser.open(tmp_path / "digitrec.html", width=390, mobile=True)
        state: dict[str, Any] = browser.evaluate(
            "(async () => ({"
            " answered: Boolean(globalThis.digitrec) && await digitrec.ready.then(() => true, () => false),"
            " words: document.body.innerText, parts: document.querySelectorAll('main').length }))()"
        )
        assert not state["answered"]
        assert "damaged" in state["words"]
        assert state["parts"] == 0
        with pytest.raises(ArtifactError, match="damaged|changed"):
            artifact.read(tmp_path / "digitrec.html")
    browser.complaints.clear()


def test_an_extension_of_the_browser_may_add_to_the_page(page: Path, browser: "Browser") -> None:
    """Some put attributes and elements of their own into every page before it is complete."""
    code = """new MutationObserver((_, observer) => {
      if (!document.head) return;
      document.documentElement.setAttribute("data-theme-of-mine", "dark");
      document.head.prepend(Object.assign(document.createElement("meta"), { name: "mine", content: "x" }));
      document.head.append(document.createElement("style"));
      observer.disconnect();
    }).observe(document, { childList: true, subtree: true });"""
    script = browser.send("Page.addScriptToEvaluateOnNewDocument", source=code)
    try:
        browser.open(page, width=390, mobile=True)
        assert browser.evaluate("document.querySelectorAll('meta[name=mine]').length") == 1
        assert browser.evaluate("digitrec.ready.then((result) => result.passed)")
    finally:
        browser.send("Page.removeScriptToEvaluateOnNewDocument", identifier=script["identifier"])


@pytest.mark.parametrize(
    "code",
    [
        "delete globalThis.DecompressionStream",
        "globalThis.DecompressionStream = class extends DecompressionStream {"
        " constructor(how) { if (how === 'deflate-raw') throw new TypeError('Unsupported'); super(how); } }",
    ],
    ids=["none", "an older one"],
)
def test_a_browser_that_cannot_unpack_it_is_called_too_old_and_not_the_page_damaged(
    code: str, page: Path, browser: "Browser"
) -> None:
    script = browser.send("Page.addScriptToEvaluateOnNewDocument", source=code)
    try:
        browser.open(page, width=390, mobile=True)
        said = browser.evaluate("digitrec.ready.catch((cause) => cause.message)")
    finally:
        browser.send("Page.removeScriptToEvaluateOnNewDocument", identifier=script["identifier"])
    assert "too old" in said
    assert "damaged" not in said
    assert browser.evaluate("document.body.innerText") == said


def test_what_was_found_wrong_is_told(page: Path, browser: "Browser", tmp_path: Path) -> None:
    (tmp_path / "digitrec.html").write_bytes(
        page.read_bytes().replace(b"This page is checking", b"That page is checking")
    )
    browser.open(tmp_path / "digitrec.html", width=390, mobile=True)
    said = browser.evaluate("digitrec.ready.catch(() => document.body.innerText)")
    assert "damaged" in said
    assert said.endswith("What was found: the seal is broken.")


def test_without_scripts_the_page_says_how_it_is_opened(page: Path, browser: "Browser") -> None:
    browser.send("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(page, width=390, mobile=True)
    finally:
        browser.send("Emulation.setScriptExecutionDisabled", value=False)
    said = browser.evaluate("document.body.innerText")
    assert "Scripts may be switched off" in said
    assert "open the file in a browser" in said
