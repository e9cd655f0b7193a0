"""Walks the loop: ``PYTHONPATH=tests/pi python -m whole_loop`` in the checkout."""

import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from emulated_pi import needs

from tests.browser import find_browser
from tests.conftest import make_artifacts
from whole_loop import at_the_desk, on_the_pi
from whole_loop.loop import BrokenError, Loop, board

STEPS = (
    on_the_pi.deploy_the_first, on_the_pi.serve, on_the_pi.read, on_the_pi.watch,
    at_the_desk.review, at_the_desk.collect, at_the_desk.train, at_the_desk.export,
    on_the_pi.deploy_again, on_the_pi.read_again, on_the_pi.watch_again, on_the_pi.stop,
)  # fmt: skip


def main() -> int:
    """Take all steps; 1 when one has not the effect that it must have."""
    missing = [*needs.missing(), *([] if find_browser() else ["Chromium: apt-get install chromium"])]
    if missing:
        print("the loop needs: " + "; ".join(missing), file=sys.stderr)
        return 1
    model = make_artifacts() / "model.keras"
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        (ssh := Path(name) / "ssh").mkdir()
        server, home = stack.enter_context(board(ssh))
        loop = Loop(server, home, Path(name), model, stack)
        stack.callback(loop.stop)
        for number, step in enumerate(STEPS, 1):
            start, called = time.monotonic(), step.__name__.replace("_", " ")
            try:
                told = step(loop)
            except BrokenError as broken:
                print(f"{number:2}. {called}: BROKEN: {broken}", flush=True)
                return 1
            print(f"{number:2}. {called}: {told} ({time.monotonic() - start:.1f} s)", flush=True)
    print(f"the loop is whole ({time.monotonic() - begin:.0f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
