"""Ctrl-C: whatever it turns into on its way through libraries, the exit status is 130."""

import contextlib
import signal
from types import FrameType

STATUS = 130


class Interrupts:
    """Remembers that there was a Ctrl-C, and raises KeyboardInterrupt as Python does.

    An import that is interrupted can end in an ImportError, a child process that the same Ctrl-C ended in an error of
    ours, and a callback from C++ swallows it.
    """

    def __init__(self) -> None:
        self.seen = False
        with contextlib.suppress(ValueError):  # not in the main thread, where no signal arrives
            if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not ignored, as in a shell's background
                signal.signal(signal.SIGINT, self._notice)

    def _notice(self, number: int, frame: FrameType | None) -> None:
        self.seen = True
        signal.default_int_handler(number, frame)

    def ignore(self) -> None:
        """Let no Ctrl-C change the exit status any more: all work is done, and libraries are being torn down."""
        with contextlib.suppress(ValueError):
            signal.signal(signal.SIGINT, signal.SIG_IGN)
