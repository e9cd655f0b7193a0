"""Results on file: all figures, the environment beside them, and the reason where there are none."""

import json

from benchmarks.cases import Case, Measured, Row
from benchmarks.environment import describe_environment
from benchmarks.latency import Latency
from benchmarks.parity import Parity
from benchmarks.results import RESULTS_VERSION, to_json

PARITY = Parity(10_000, 0.98, 0.981, 0.999, 0.25)
MEASURED = Measured("a.tflite", "int8", "2.3.0", 1000, 5.0, 1.5, 0.98, PARITY, "", Latency(1000, 3.0, 4.0, 5.0))


def test_every_figure_is_on_file() -> None:
    rows = [Row(Case("a.tflite", "litert"), MEASURED), Row(Case("b.onnx", "litert"), None, "does not run .onnx files")]
    found = json.loads(to_json(describe_environment(), rows))
    assert found["version"] == RESULTS_VERSION
    assert found["environment"]["python"]
    assert found["environment"]["versions"]["numpy"]
    first, second = found["rows"]
    assert first["measured"]["latency"]["calls"] == 1000
    assert first["measured"]["latency"]["p99_us"] == 5.0
    assert first["measured"]["parity"]["max_logit_difference"] == 0.25
    assert first["case"]["runtime"] == "litert"
    assert second["measured"] is None
    assert second["reason"] == "does not run .onnx files"
