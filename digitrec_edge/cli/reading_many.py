"""Many pictures on many cores: processes that each load the model once and read picture by picture.

One picture at a time is asked of each process through a pipe, and results wait for their turn in bounded number: memory
does not grow with the number of pictures. The processes are started anew (spawn), as a model does not survive a fork.
"""

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from multiprocessing.context import SpawnProcess
from typing import Any

from digitrec_edge.child import describe_end
from digitrec_edge.cli.pictures import STANDARD_INPUT, Named
from digitrec_edge.cli.terminal import DEBUG_VARIABLE
from digitrec_edge.errors import DigitrecError

AHEAD = 8
"""Pictures per process that may be read before their turn has come to be shown."""

END_S = 10.0
"""How long a process whose pipe is closed may take to be gone."""

Result = dict[str, Any]
Read = Callable[[Named], Result]
Opener = Callable[..., AbstractContextManager[Read]]


@dataclass(frozen=True)
class _Reader:
    process: SpawnProcess
    pipe: Any
    """Our end: ``multiprocessing.connection.Connection``, of another name on Windows."""


class Readers:
    """A context with so many processes; when it is left they end at once, and at the latest when this process does.

    Args:
        jobs: how many processes.
        opener: of a module, called in each process; its context gives what reads a picture.
        arguments: of the opener.
        read_here: reads standard input, which the other processes do not have.
    """

    def __init__(self, jobs: int, opener: Opener, arguments: tuple[Any, ...], read_here: Read) -> None:
        self._jobs, self._work, self._read_here = jobs, (opener, arguments), read_here
        self._readers: list[_Reader] = []

    def __enter__(self) -> "Readers":
        context = multiprocessing.get_context("spawn")
        try:
            for _ in range(self._jobs):
                ours, theirs = context.Pipe()
                process = context.Process(target=_serve, args=(theirs, *self._work), daemon=True)
                process.start()
                theirs.close()
                self._readers.append(_Reader(process, ours))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *cause: object) -> None:
        for reader in self._readers:
            reader.process.kill()
        for reader in self._readers:
            reader.process.join()
            reader.pipe.close()

    def read(self, named: Sequence[Named]) -> Iterator[Result]:
        """Yield what was read on each picture, in the order of the pictures.

        Raises:
            DigitrecError: that a process met, and that is not of one picture; or a process died.
        """
        idle, results = [*self._readers], dict[int, Result]()
        asked: dict[_Reader, int] = {}
        given = shown = 0
        while shown < len(named):
            if idle and given < min(len(named), shown + AHEAD * self._jobs):
                if named[given].name == STANDARD_INPUT:
                    results[given] = self._read_here(named[given])
                else:
                    asked[reader := idle.pop()] = given
                    with suppress(OSError):  # it is dead already, which shows when its answer is awaited
                        reader.pipe.send(named[given])
                given += 1
            elif shown in results:
                yield results.pop(shown)
                shown += 1
            else:
                for reader in _answering([*asked]):
                    results[asked[reader]] = _answer(reader, named[asked[reader]].name)
                    del asked[reader]
                    idle.append(reader)


def _answering(busy: list[_Reader]) -> list[_Reader]:
    """Wait until one of them has answered, or died."""
    ready = multiprocessing.connection.wait([reader.pipe for reader in busy])
    return [reader for reader in busy if reader.pipe in ready]


def _answer(reader: _Reader, name: str) -> Result:
    try:
        answer: Result | DigitrecError = reader.pipe.recv()
    except (EOFError, OSError):
        reader.process.join(END_S)
        end = describe_end(reader.process.exitcode or 0, f"{DEBUG_VARIABLE}=1 shows why")
        raise DigitrecError(f"{end}, while it read {name}; not all pictures were read") from None
    if isinstance(answer, DigitrecError):
        raise answer
    return answer


def _serve(pipe: Any, opener: Opener, arguments: tuple[Any, ...]) -> None:
    """Read the pictures that come through the pipe, in a process of its own, until the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the process that started this one ends it
    with suppress(EOFError, OSError):  # that process is gone
        try:
            with opener(*arguments) as read:
                while True:
                    pipe.send(read(pipe.recv()))
        except DigitrecError as error:
            pipe.send(error)
