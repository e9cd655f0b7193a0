"""Builds the page's kernel, digitrec_edge/web/dense.wasm, by zig: ``python tests/facts/wasm_kernel.py``.

The same zig gives the same bytes on every machine; test_web_kernel.py builds it again and compares.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "digitrec_edge" / "dense" / "c" / "wasm.c"
KERNEL = ROOT / "digitrec_edge" / "web" / "dense.wasm"
ZIG = (sys.executable, "-m", "ziglang")
FLAGS = (
    "-target", "wasm32-freestanding", "-nostdlib", "-O3", "-ffp-contract=off", "-fno-sanitize=all", "-msimd128",
    "-Wall", "-Wextra", "-Werror",
    "-Wl,--no-entry", "-Wl,--import-memory", "-Wl,--strip-all", "-Wl,-z,stack-size=4096",
)  # fmt: skip
"""The memory is the page's, and its first 64 KiB are the stack's."""


def build() -> bytes:
    """Compile the kernel."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "dense.wasm"
        subprocess.run([*ZIG, "cc", *FLAGS, "-o", target, SOURCE], check=True)
        return target.read_bytes()


if __name__ == "__main__":
    KERNEL.write_bytes(build())
    print(f"{KERNEL.relative_to(ROOT)}  {KERNEL.stat().st_size:,} bytes")
