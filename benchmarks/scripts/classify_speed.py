"""What ``classify`` and ``predict`` cost beside hand-written loops: ``python benchmarks/scripts/classify_speed.py``.

All loops of a runtime take turns in one process, block by block, so that drift hits all alike; the
figures are medians over blocks and ratios of these medians.
"""

import argparse
import gc
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitrec_edge import mnist
from digitrec_edge.mnist import CLASSES
from digitrec_edge.quantization import PIXEL_MAX, SIDE
from runtimes import load

BLOCKS = 60
BLOCK_CALLS = 200
BATCH_ROUNDS = 5
SINGLE_IMAGES = 1000

Classify = Callable[[NDArray[np.uint8]], int]


def raw_tflite(interpreter_class: Any, path: Path) -> Classify:
    """The shortest hand-written loop over the public interpreter, for a model with uint8 input."""
    interpreter = interpreter_class(str(path), num_threads=1)
    interpreter.allocate_tensors()
    source = interpreter.get_input_details()[0]["index"]
    sink = interpreter.get_output_details()[0]["index"]

    def classify(image: NDArray[np.uint8]) -> int:
        interpreter.set_tensor(source, image[None])
        interpreter.invoke()
        return int(interpreter.get_tensor(sink).argmax())

    return classify


def idiom_tflite(interpreter_class: Any, path: Path) -> Classify:
    """What public examples do: divide, quantise, set_tensor, invoke, get_tensor, dequantise, argmax."""
    interpreter = interpreter_class(str(path), num_threads=1)
    interpreter.allocate_tensors()
    source, sink = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    limits = np.iinfo(source["dtype"])

    def classify(image: NDArray[np.uint8]) -> int:
        scale, zero_point = source["quantization"]
        real = image[None].astype(np.float32) / PIXEL_MAX
        quantised = np.clip(np.round(real / scale + zero_point), limits.min, limits.max).astype(source["dtype"])
        interpreter.set_tensor(source["index"], quantised)
        interpreter.invoke()
        scores = interpreter.get_tensor(sink["index"])[0]
        scale, zero_point = sink["quantization"]
        return int(np.argmax((scores.astype(np.float32) - zero_point) * scale))

    return classify


def raw_onnx(path: Path) -> Classify:
    """A hand-written loop with IO binding, input and output bound once."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    prepared, scores = np.zeros((1, SIDE, SIDE), np.float32), np.zeros((1, CLASSES), np.float32)
    binding = session.io_binding()
    binding.bind_ortvalue_input("image", onnxruntime.OrtValue.ortvalue_from_numpy(prepared))
    binding.bind_ortvalue_output("logits", onnxruntime.OrtValue.ortvalue_from_numpy(scores))
    scale = np.float32(PIXEL_MAX)

    def classify(image: NDArray[np.uint8]) -> int:
        np.divide(image, scale, out=prepared[0], dtype=np.float32)
        session.run_with_iobinding(binding)
        return int(scores.argmax())

    return classify


def take_turns(loops: dict[str, Classify], images: NDArray[np.uint8]) -> dict[str, float]:
    """Return the median time of one call in microseconds, per loop."""
    items = list(images[:BLOCK_CALLS])
    blocks: dict[str, list[float]] = {name: [] for name in loops}
    for classify in loops.values():
        for image in items:
            classify(image)
    gc.disable()
    for _ in range(BLOCKS):
        for name, classify in loops.items():
            start = time.perf_counter_ns()
            for image in items:
                classify(image)
            blocks[name].append((time.perf_counter_ns() - start) / len(items) / 1000)
    gc.enable()
    return {name: float(np.median(times)) for name, times in blocks.items()}


def batch_ratio(path: Path, runtime: str, images: NDArray[np.uint8]) -> tuple[float, float]:
    """Return microseconds per image of ``predict``, image by image and on the whole batch."""
    singles, batches = [], []
    with load(path, runtime) as model:
        model.predict(images)
        for _ in range(BATCH_ROUNDS):
            start = time.perf_counter_ns()
            for image in images[:SINGLE_IMAGES]:
                model.predict(image)
            middle = time.perf_counter_ns()
            model.predict(images)
            singles.append((middle - start) / SINGLE_IMAGES / 1000)
            batches.append((time.perf_counter_ns() - middle) / len(images) / 1000)
    return float(np.median(singles)), float(np.median(batches))


def main(folder: Path) -> None:
    """Print the figures for the artifacts in a folder."""
    from ai_edge_litert.interpreter import Interpreter as LiteRT
    from tflite_runtime.interpreter import Interpreter as TFLiteRuntime

    images = mnist.load("test").images
    int8 = folder / "digitrec-int8.tflite"
    onnx_path = folder / "digitrec-int8.onnx"
    runs: list[tuple[str, dict[str, Classify]]] = [
        (
            "litert, digitrec-int8.tflite",
            {"raw": raw_tflite(LiteRT, int8), "idiom": idiom_tflite(LiteRT, int8)},
        ),
        (
            "tflite-runtime, digitrec-int8.tflite",
            {"raw": raw_tflite(TFLiteRuntime, int8), "idiom": idiom_tflite(TFLiteRuntime, int8)},
        ),
        ("native, digitrec-int8.tflite", {"litert": load(int8, "litert").classify}),
        ("onnxruntime, digitrec-int8.onnx", {"raw": raw_onnx(onnx_path)}),
        ("onnxruntime, digitrec-float32.onnx", {"raw": raw_onnx(folder / "digitrec-float32.onnx")}),
    ]
    print("one picture, uint8 pixels in and digit out, median us; ratios of classify")
    for title, loops in runs:
        runtime, file_name = title.split(", ")
        with load(folder / file_name, runtime) as model:
            medians = take_turns({**loops, "classify": model.classify}, images)
        against = "  ".join(f"classify/{name} {medians['classify'] / medians[name]:.3f}" for name in loops)
        print(f"{title:40s} " + "  ".join(f"{name} {us:.2f}" for name, us in medians.items()) + f"  {against}")
    print("predict, us per image: image by image, and 10,000 as one batch")
    for path, runtime in ((int8, "litert"), (int8, "tflite-runtime"), (int8, "native"), (onnx_path, "onnxruntime")):
        single, batch = batch_ratio(path, runtime, images)
        print(f"{runtime + ', ' + path.name:40s} single {single:.2f}  batch {batch:.2f}  ratio {single / batch:.1f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=Path("build/artifacts"), help="of the artifacts")
    given = parser.parse_args()
    if not given.folder.is_dir():
        parser.error(f"no such folder: {given.folder}; digitrec-edge export writes build/artifacts")
    main(given.folder)
