"""The page in Firefox: it tests itself, and computes LiteRT's logits in both kernels, from a file."""

import base64
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.firefox import Firefox, find_firefox
from tests.web.test_page import ALL_LOGITS

pytestmark = pytest.mark.checkout


@pytest.fixture(scope="module")
def firefox(page: Path) -> Iterator[Firefox]:
    executable = find_firefox()
    if executable is None:
        pytest.skip("Firefox is not installed: apt-get install firefox-esr")
    browser = Firefox(executable)
    try:
        browser.open(page)
        yield browser
    finally:
        browser.close()


def test_it_tests_itself_with_both_kernels(firefox: Firefox) -> None:
    result = firefox.evaluate("window.digitrec.ready.then(JSON.stringify)")
    assert result == '{"passed":true,"images":32,"different":{"simd":0,"js":0},"agree":true}'
    assert firefox.evaluate("window.digitrec.kernel") == "simd"


@pytest.mark.parametrize("kernel", ["simd", "js"])
def test_all_logits_are_those_of_litert(
    kernel: str, firefox: Firefox, packed_images: str, logits: NDArray[np.int8]
) -> None:
    text = firefox.evaluate(f"{ALL_LOGITS}(given[0], given[1])", packed_images, kernel)
    found = np.frombuffer(base64.b64decode(text), np.int8).reshape(-1, 10)
    assert int((found != logits).sum()) == 0


def test_a_photograph_is_read(firefox: Firefox) -> None:
    """A seven, drawn as a grey picture of 100 x 100 pixels: dark on light, two lines."""
    code = """(() => {
      const grey = new Uint8Array(10_000).fill(255);
      for (let k = 0; k < 40; k++) for (let w = 0; w < 6; w++) {
        grey[(25 + w) * 100 + 30 + k] = 0;
        grey[(25 + k + (k >> 2)) * 100 + 66 - (k >> 1) + w - 3] = 0;
      }
      return window.digitrec.read(grey, 100, 100).map(({ digit }) => digit);
    })()"""
    assert firefox.evaluate(code) == [7]


def test_what_is_wrong_in_the_page_is_told(firefox: Firefox) -> None:
    with pytest.raises(RuntimeError, match="is not"):
        firefox.evaluate("window.digitrec.nothing()")
