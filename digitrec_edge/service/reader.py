"""A process that reads pictures: it loads an artifact, tests it, then answers frame by frame until it is hung up."""

import gc
import os
import signal
import socket
from functools import partial
from typing import TYPE_CHECKING, Any

from digitrec_edge.errors import ArtifactError, DigitrecError, PictureError
from digitrec_edge.records import strict_json
from digitrec_edge.service.frames import FrameKind, PipeFrame, receive
from digitrec_edge.service.memory import return_large_blocks
from digitrec_edge.service.multipart import BodyError, picture_of

if TYPE_CHECKING:
    from digitrec_edge.recognition import Recognition
    from runtimes import Model

NAME = "picture"
"""What answers and errors call a picture: names that a client gives are not used for anything."""

_OPTION, _PARAMETER = "--multi", "?multi=1"
"""What the sentences of :mod:`digitrec_edge.preprocess` advise to type, and what asks for the same here."""


def main() -> None:
    """Serve the socket that is standard input; whatever a runtime prints goes to standard error."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C and the end of a unit reach all; the other end hangs up
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    link = socket.socket(fileno=os.dup(0))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    return_large_blocks()
    model = None
    while (frame := receive(link)) is not None:
        if frame.kind == FrameKind.LOAD:
            model, reply = _load(frame)
        else:
            assert model is not None
            reply = answer(model, frame)
        link.sendall(reply.pack())
    os._exit(0)  # what a runtime does when it is torn down is nobody's question


def _load(frame: PipeFrame) -> "tuple[Model | None, PipeFrame]":
    """Load and test an artifact, of which the bytes are given: the file may be another one by now."""
    from digitrec_edge.verification.selftest import self_test
    from runtimes import load

    try:
        model = load(frame.body, frame.line["runtime"])
        result = self_test(model.artifact, model)
        if not result.passed:
            path = frame.line["path"]
            raise ArtifactError(
                f"{path} fails its self-test on {result.runtime}: {len(result.differing)} of {result.images} images "
                f"differ from those at export; digitrec-edge verify {path} shows them"
            )
    except DigitrecError as error:
        return None, PipeFrame(FrameKind.FAILED, str(error))
    gc.collect()
    gc.freeze()  # what is loaded stays, and need not be looked through again and again
    return model, PipeFrame(FrameKind.READY, {"runtime": model.runtime, "runtime_version": model.runtime_version})


def answer(model: "Model", frame: PipeFrame) -> PipeFrame:
    """Read one picture.

    Args:
        model: that reads.
        frame: its line has ``multi``, ``min_confidence``, ``accept_anything``, ``type`` (of the body) and ``kept``:
            whether the answer may be kept, which needs the pictures of 28 x 28 pixels, too.

    Returns:
        With a line that tells how many digits were read, unsure and none; the body is the object of
        ``predict --json``, and the extra bytes, where it may be kept, 784 for each digit and then the picture.
    """
    from digitrec_edge.preprocess.reading import open_picture
    from digitrec_edge.recognition import How, recognise

    asked = frame.line
    how = How(asked["multi"], asked["min_confidence"], asked["accept_anything"])
    try:
        picture = picture_of(frame.body, asked["type"])
        found = recognise(model, NAME, partial(open_picture, picture, NAME), how)
        content = found.as_json()
    except BodyError as error:
        return PipeFrame(FrameKind.REFUSED, [400, str(error)])
    except PictureError as error:
        return PipeFrame(FrameKind.REFUSED, [422, str(error).replace(_OPTION, _PARAMETER)])
    except DigitrecError as error:
        return PipeFrame(FrameKind.FAILED, str(error))
    digits = content["digits"] if how.multi else [content]
    extra = b"".join([_images(found), picture]) if asked["kept"] else b""
    return PipeFrame(FrameKind.ANSWER, _tally(digits), strict_json(content).encode(), extra)


def _tally(digits: list[dict[str, Any]]) -> list[int]:
    none = sum(digit["digit"] is None for digit in digits)
    unsure = sum(digit["unsure"] and digit["digit"] is not None for digit in digits)
    return [len(digits) - none - unsure, unsure, none]


def _images(found: "Recognition") -> bytes:
    return b"".join(digit.image.tobytes() for digit in found.digits())
