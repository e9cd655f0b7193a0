"""``python -m digitrec_edge`` is the command line, and so is ``digitrec-edge``."""

import gc
import sys


def main() -> None:
    """Run the command line; Ctrl-C while it is being imported is exit status 130, too.

    What is imported stays: that Python looks for garbage in it takes one instruction of 25 of a ``predict``. It does so
    from where a command begins, or has loaded its model.
    """
    try:
        gc.disable()
        from digitrec_edge.cli import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        eval("0")  # makes CPython forget a Ctrl-C that passed through exec(), of which it would die in the end


if __name__ == "__main__":
    main()
