"""The same quantities by this harness and by the runtimes' own tools, in turns, as a Markdown table.

``python benchmarks/scripts/side_by_side.py build/artifacts/digitrec-int8.tflite build/artifacts/digitrec-int8.onnx``

* litert-benchmark times ``CompiledModel.run_by_name``. It prints milliseconds with two decimals, far too coarse
  here, but also the throughput, from which its mean can be worked out: input bytes / throughput.
* ONNX Runtime's profiler writes the duration of every ``model_run`` in whole microseconds.

Each quantity is also timed by this harness, of the very same call with the very same settings.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measure.latency import Effort, measure_latency
from digitrec_edge.quantization import SIDE

LITERT_TOOL = Path(sys.executable).with_name("litert-benchmark")
RUNS = 300
TURNS = 25
EFFORT = Effort("side by side", 1, warmup_calls=300, warmup_ms=0, calls=RUNS, measure_ms=0, cold_starts=0)


def litert_tool(model: Path) -> dict[str, float]:
    """Run litert-benchmark; return its mean and median in microseconds and its load time in milliseconds."""
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        command = [str(LITERT_TOOL), "--model", str(model), "--num_threads", "1"]
        command += ["--num_runs", str(RUNS), "--warmup_runs", "300", "--result_json", str(result)]
        subprocess.run(command, check=True, capture_output=True)
        found = json.loads(result.read_text())
    compiled, _, _ = _compiled_model(model)
    (details,) = compiled.get_input_tensor_details(found["signature"]).values()
    input_bytes = int(np.prod(details["shape"])) * np.dtype(details["dtype"]).itemsize
    return {
        "mean_us": input_bytes / (found["throughput_mb_s"] * 2**20) * 1e6,
        "printed_median_ms": found["latency"]["median_ms"],
    }


def _compiled_model(model: Path) -> tuple[Any, str, Callable[[], object]]:
    from ai_edge_litert.compiled_model import CompiledModel
    from ai_edge_litert.hardware_accelerator import HardwareAccelerator
    from ai_edge_litert.options import CpuOptions, Options

    options = Options(hardware_accelerators=HardwareAccelerator.CPU, cpu_options=CpuOptions(num_threads=1))
    compiled = CompiledModel.from_file(str(model), options=options)
    signature = next(iter(compiled.get_signature_list()))
    inputs, outputs = (
        {name: make(signature, name) for name in details(signature)}
        for make, details in (
            (compiled.create_input_buffer_by_name, compiled.get_input_tensor_details),
            (compiled.create_output_buffer_by_name, compiled.get_output_tensor_details),
        )
    )
    return compiled, signature, lambda: compiled.run_by_name(signature, inputs, outputs)


def litert_here(model: Path) -> dict[str, float]:
    """Time the same call with this harness."""
    _, _, call = _compiled_model(model)
    samples = measure_latency(call, None, EFFORT).samples_ns / 1000
    return {"mean_us": float(samples.mean()), "median_us": float(np.median(samples))}


def onnx_both(model: Path) -> tuple[dict[str, float], dict[str, float]]:
    """Time ``run`` with the profiler on, by the profiler and by this harness at once."""
    import onnxruntime

    with tempfile.TemporaryDirectory() as folder:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.enable_profiling = True
        options.profile_file_prefix = str(Path(folder) / "profile")
        session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        (port,) = session.get_inputs()
        kind = {"tensor(float)": np.float32, "tensor(uint8)": np.uint8}[port.type]
        feed = {port.name: np.zeros((1, SIDE, SIDE), kind)}
        samples = measure_latency(lambda: session.run(None, feed), None, EFFORT).samples_ns[:RUNS] / 1000
        events = json.loads(Path(session.end_profiling()).read_text())
    durations = [event["dur"] for event in events if event["name"] == "model_run"][300 : 300 + len(samples)]
    tool = {"mean_us": statistics.mean(durations), "median_us": statistics.median(durations)}
    return tool, {"mean_us": float(samples.mean()), "median_us": float(np.median(samples))}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("tflite", type=Path, help="an artifact for LiteRT")
    parser.add_argument("onnx", type=Path, help="an artifact for ONNX Runtime")
    given = parser.parse_args()
    for path in (given.tflite, given.onnx):
        if not path.is_file():
            parser.error(f"no such file: {path}; digitrec-edge export --int8 --onnx-int8 writes both")
    if not LITERT_TOOL.exists():
        parser.error(f"{LITERT_TOOL} is missing: it comes with ai-edge-litert, which this Python does not have")
    return given


def main(tflite: Path, onnx: Path) -> None:
    """Take turns and print the quietest turn of each: a mean has no other defence against a busy machine."""
    rows: dict[str, list[tuple[float, float]]] = {}
    for _ in range(TURNS):
        tool, own = litert_tool(tflite), litert_here(tflite)
        rows.setdefault("litert-benchmark, mean of `CompiledModel.run`", []).append((tool["mean_us"], own["mean_us"]))
        printed = tool["printed_median_ms"] * 1000
        rows.setdefault("litert-benchmark, median as printed", []).append((printed, own["median_us"]))
        tool, own = onnx_both(onnx)
        rows.setdefault("ONNX Runtime's profiler, median of `model_run`", []).append(
            (tool["median_us"], own["median_us"])
        )
    print("| quantity | the tool, us | this harness, us | ratio |")
    print("| --- | --- | --- | --- |")
    for name, pairs in rows.items():
        tool_us, own_us = (min(column) for column in zip(*pairs, strict=True))
        ratio = f"{own_us / tool_us:.2f}" if tool_us else "-"  # the tool prints 0.00 ms of less than 5 us
        print(f"| {name} | {tool_us:.1f} | {own_us:.1f} | {ratio} |")


if __name__ == "__main__":
    arguments = _arguments()
    main(arguments.tflite, arguments.onnx)
