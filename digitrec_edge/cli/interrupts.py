"""Ctrl-C: whatever it turns into on its way through libraries, the exit status is 130."""

import contextlib
import os
import signal
import sys
import threading
from types import FrameType

STATUS = 130
AGAIN_AFTER_S = 0.05


class Interrupts:
    """Remembers that there was a Ctrl-C, and raises KeyboardInterrupt as Python does.

    An import that is interrupted can end in an ImportError, a child process that the same Ctrl-C ended in an error of
    ours, and a callback from C++ swallows it. Where Python itself can only ignore it, in a callback of the garbage
    collector, it comes again a moment later.
    """

    def __init__(self) -> None:
        self.seen = False
        with contextlib.suppress(ValueError):  # not in the main thread, where no signal arrives
            if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not ignored, as in a shell's background
                signal.signal(signal.SIGINT, self._notice)
                self._ignored, sys.unraisablehook = sys.unraisablehook, self._come_again

    def _notice(self, number: int, frame: FrameType | None) -> None:
        self.seen = True
        signal.default_int_handler(number, frame)

    def _come_again(self, unraisable: "sys.UnraisableHookArgs") -> None:
        if not isinstance(unraisable.exc_value, KeyboardInterrupt):
            self._ignored(unraisable)
            return
        again = threading.Timer(AGAIN_AFTER_S, os.kill, (os.getpid(), signal.SIGINT))
        again.daemon = True
        again.start()

    def ignore(self) -> None:
        """Let no Ctrl-C change the exit status any more: all work is done, and libraries are being torn down."""
        with contextlib.suppress(ValueError):
            signal.signal(signal.SIGINT, signal.SIG_IGN)
