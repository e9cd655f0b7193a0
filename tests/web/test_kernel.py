"""The kernel that travels in the page is what zig makes of its source."""

import importlib.util

import pytest
import wasm_kernel

pytestmark = pytest.mark.checkout


def test_the_kernel_is_built_again_to_the_byte() -> None:
    if importlib.util.find_spec("ziglang") is None:
        pytest.skip("zig is not installed: pip install ziglang")
    assert wasm_kernel.build() == wasm_kernel.KERNEL.read_bytes()


def test_the_kernel_is_small() -> None:
    assert len(wasm_kernel.KERNEL.read_bytes()) < 2000
