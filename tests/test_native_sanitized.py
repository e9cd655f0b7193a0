"""A short run of the native kernels under the sanitizers; and they see what reads beyond its memory."""

import shutil
from pathlib import Path

import pytest

from digitrec_edge.dense import build
from digitrec_edge.dense.library import processor
from tests import native_sanitized

pytestmark = [
    pytest.mark.checkout,
    pytest.mark.skipif(not shutil.which("gcc") or not processor(), reason="needs gcc and Linux"),
]

MUTANTS = 60


def test_nothing_is_read_or_written_where_it_should_not_be(tmp_path: Path) -> None:
    native_sanitized.build_sanitized(tmp_path)
    done = native_sanitized.run(tmp_path, MUTANTS, seed=1)
    assert done.returncode == 0, done.stderr
    assert f"of {MUTANTS + 1} models" in done.stdout


def test_a_kernel_that_reads_behind_its_inputs_is_seen(tmp_path: Path) -> None:
    source = tmp_path / "c"
    shutil.copytree(build.SOURCE, source)
    text = (source / "native_layer.h").read_text()
    careful = "i + k < inputs ? in[i + k] : 0"
    assert careful in text
    (source / "native_layer.h").write_text(text.replace(careful, "in[i + k]"))
    native_sanitized.build_sanitized(tmp_path / "lib", source)
    done = native_sanitized.run(tmp_path / "lib", 0, seed=1)
    assert done.returncode != 0
    assert "AddressSanitizer: heap-buffer-overflow" in done.stderr
