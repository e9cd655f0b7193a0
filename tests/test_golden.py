"""Golden logits: the same after a round trip, the same bytes each time, and nothing else is taken for them."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from digitrec_edge import mnist
from digitrec_edge.artifact import golden
from digitrec_edge.artifact.golden import Golden
from digitrec_edge.errors import DataError
from digitrec_edge.files import sha256

LOGITS = np.random.default_rng(0).normal(0, 5, (40, 10)).astype(np.float32)
GOLDEN = Golden(LOGITS, "ab" * 32, "cd" * 32)


def test_golden_logits_are_the_same_after_a_round_trip(tmp_path: Path) -> None:
    path = tmp_path / golden.FILE_NAME
    golden.write(path, GOLDEN)
    found = golden.read(path)
    assert found.logits.dtype == np.float32
    assert np.array_equal(found.logits, LOGITS)
    assert (found.source_sha256, found.test_sha256) == ("ab" * 32, "cd" * 32)


def test_the_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    golden.write(tmp_path / "a.npz", GOLDEN)
    golden.write(tmp_path / "b.npz", GOLDEN)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_numpy_reads_them_without_us(tmp_path: Path) -> None:
    golden.write(tmp_path / "a.npz", GOLDEN)
    with np.load(tmp_path / "a.npz") as archive:
        assert np.array_equal(archive["logits"], LOGITS)
        assert str(archive["source_sha256"]) == "ab" * 32


@pytest.mark.parametrize("length", [0, 1, 4, 100, 700, -1, -10, -23])
def test_truncated_golden_logits_are_refused(tmp_path: Path, length: int) -> None:
    path = tmp_path / "golden.npz"
    golden.write(path, GOLDEN)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(DataError, match=r"golden\.npz"):
        golden.read(path)


def test_damaged_golden_logits_are_refused_or_the_same(tmp_path: Path) -> None:
    path = tmp_path / "golden.npz"
    golden.write(path, GOLDEN)
    whole = path.read_bytes()
    refused = 0
    for position in range(0, len(whole), 3):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 0x10]) + whole[position + 1 :])
        try:
            found = golden.read(path)
        except DataError:
            refused += 1
        else:
            assert np.array_equal(found.logits, LOGITS)
            assert found.source_sha256 == GOLDEN.source_sha256
    assert refused > len(whole) / 3 * 0.7


@pytest.mark.parametrize(
    "arrays",
    [
        {"logits": LOGITS},
        {"logits": LOGITS.astype(np.float64), "source_sha256": "a", "test_sha256": "b"},
        {"logits": LOGITS[:, :1], "source_sha256": "a", "test_sha256": "b"},
        {"logits": LOGITS[0], "source_sha256": "a", "test_sha256": "b"},
        {"logits": np.where(LOGITS > 0, LOGITS, np.nan).astype(np.float32), "source_sha256": "a", "test_sha256": "b"},
        {"logits": np.array([{}], object), "source_sha256": "a", "test_sha256": "b"},
    ],
    ids=["keys missing", "float64", "1 logit", "one row", "nan", "pickled"],
)
def test_what_are_no_golden_logits_is_refused(tmp_path: Path, arrays: dict[str, Any]) -> None:
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    (tmp_path / "golden.npz").write_bytes(stream.getvalue())
    with pytest.raises(DataError, match="does not hold golden logits"):
        golden.read(tmp_path / "golden.npz")


def test_missing_golden_logits_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no such file: .*golden\.npz"):
        golden.read(tmp_path / "golden.npz")


def test_an_export_keeps_the_whole_test_set_and_the_source_it_belongs_to(trained: Path, artifacts: Path) -> None:
    found = golden.read(artifacts / golden.FILE_NAME)
    digits = mnist.load("test")
    assert found.logits.shape == (10_000, 10)
    assert found.source_sha256 == sha256((trained / "model.keras").read_bytes())
    assert found.test_sha256 == digits.digest()
    assert (found.logits.argmax(axis=1) == digits.labels).mean() > 0.95
