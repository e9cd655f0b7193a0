"""Runs on the board: calls what is counted, with a mark before and after each call.

``count_calls.py FOLDER RUNTIME``: for every artifact in FOLDER that RUNTIME takes, prints one JSON line per
series: {"series": number, "artifact": ..., "call": ...}; marks of series k are 2k (before) and 2k+1 (after).
Series 0 is a call that does nothing: what marking itself costs. An artifact that cannot run gives
{"artifact": ..., "refused": reason}.
"""

import ctypes
import gc
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from digitrec_edge import mnist
from digitrec_edge.errors import DigitrecError
from runtimes import load

WARM_UP, COUNTED = 40, 80
SYSCALL_MARK = 0x4242

_syscall = ctypes.CDLL(None).syscall
_syscall.argtypes = [ctypes.c_long, ctypes.c_long]
_syscall.restype = ctypes.c_long


def mark(number: int) -> None:
    """Have the counter written down."""
    _syscall(SYSCALL_MARK, number)


def interpreter_calls(factory: Callable[..., Any], path: Path, image: Any) -> dict[str, Callable[[Any], Any]]:
    """Return ``invoke`` alone with ``image`` in place, and the idiom of public examples for a TFLite model.

    The idiom is the one of the classification example in LiteRT's documentation, with rounding and
    clipping added, without which its quantisation is wrong.
    """
    interpreter = factory(model_path=str(path), num_threads=1)
    interpreter.allocate_tensors()
    (source,), (sink,) = interpreter.get_input_details(), interpreter.get_output_details()
    scale, zero_point = source["quantization"]
    out_scale, out_zero_point = sink["quantization"]

    def invoke(image: Any) -> None:
        interpreter.invoke()

    def idiom(image: Any) -> int:
        x = image.reshape(source["shape"]).astype(np.float32) / 255.0
        if scale:
            limits = np.iinfo(source["dtype"])
            x = np.clip(np.round(x / scale + zero_point), limits.min, limits.max).astype(source["dtype"])
        interpreter.set_tensor(source["index"], x)
        interpreter.invoke()
        y = interpreter.get_tensor(sink["index"])[0]
        if out_scale:
            y = (y.astype(np.float32) - out_zero_point) * out_scale
        return int(np.argmax(y))

    idiom(image)  # some kernels skip an input of zeros, which a fresh interpreter may or may not have
    return {"invoke": invoke, "public idiom": idiom}


def onnx_calls(path: Path, image: Any) -> dict[str, Callable[[Any], Any]]:
    """Return ONNX Runtime's ``run`` alone with ``image``, and the idiom of public examples."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    (port,) = session.get_inputs()
    dtype = {"tensor(float)": np.float32, "tensor(uint8)": np.uint8}[port.type]
    shape = [size if isinstance(size, int) else 1 for size in port.shape]
    picture = image.reshape(shape)
    feed = {port.name: picture.astype(np.float32) / np.float32(255) if dtype is np.float32 else picture}

    def invoke(image: Any) -> None:
        session.run(None, feed)

    def idiom(image: Any) -> int:
        x = image.reshape(shape)
        x = x.astype(np.float32) / 255.0 if dtype is np.float32 else x
        return int(np.argmax(session.run(None, {port.name: x})[0]))

    return {"invoke": invoke, "public idiom": idiom}


def native_calls(model: Any, image: Any) -> dict[str, Callable[[Any], Any]]:
    """Return the kernels alone with ``image``, and the way of this package with a picture that has no zero."""
    session = model._session
    inputs, outputs = image.tobytes(), np.empty((1, *session.output.shape), np.uint8)
    run, block, place = session._run, session._block, outputs.ctypes.data
    noise = np.random.default_rng(0).integers(1, 256, (28, 28), dtype=np.uint8)
    return {"invoke": lambda image: run(block, inputs, 1, place), "noise": lambda image: model.classify(noise)}


def calls_for(path: Path, runtime: str, image: Any) -> dict[str, Callable[[Any], Any]]:
    """Return what is counted for one artifact, by name; ``classify`` is the way of this package."""
    if runtime == "native":
        model = load(path, runtime)
        own = native_calls(model, image)
        return {"invoke": own["invoke"], "classify": model.classify, "noise": own["noise"]}
    if runtime == "onnxruntime":
        own = onnx_calls(path, image)
    elif runtime == "litert":
        from ai_edge_litert.interpreter import Interpreter as LiteRT

        own = interpreter_calls(LiteRT, path, image)
    else:
        from tflite_runtime.interpreter import Interpreter as TFLite

        own = interpreter_calls(TFLite, path, image)
    return {"invoke": own["invoke"], "classify": load(path, runtime).classify, "public idiom": own["public idiom"]}


def main(folder: Path, runtime: str) -> None:
    """Run all series."""
    images = [image.copy() for image in mnist.load("test").images[: WARM_UP + COUNTED]]
    suffixes = {".onnx", ".ort"} if runtime == "onnxruntime" else {".tflite"}
    series: list[Callable[[Any], Any]] = [lambda image: None]
    print(json.dumps({"series": 0, "artifact": "", "call": "nothing"}))
    for path in sorted(path for path in folder.iterdir() if path.suffix in suffixes):
        try:
            calls = calls_for(path, runtime, images[0])
        except (DigitrecError, ValueError, RuntimeError) as error:
            print(json.dumps({"artifact": path.name, "refused": " ".join(str(error).split())[:200]}))
            continue
        for name, call in calls.items():
            print(json.dumps({"series": len(series), "artifact": path.name, "call": name}))
            series.append(call)
    gc.disable()
    for number, call in enumerate(series):
        for image in images[:WARM_UP]:
            mark(-1)
            call(image)
            mark(-1)
        for image in images[WARM_UP:]:
            mark(2 * number)
            call(image)
            mark(2 * number + 1)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
