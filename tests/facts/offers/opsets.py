"""Offers ONNX Runtime models of each opset, IR version and ORT format, and prints those that it accepts.

Runs in the runtime's own environment: ``opsets.py FILE.ort``; a request of JSON comes on standard input.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import onnxruntime


def _entry(field: int, content: bytes) -> bytes:
    """Encode a field of bytes; none of those here has more than 127."""
    return bytes([field << 3 | 2, len(content)]) + content


def _number(field: int, value: int) -> bytes:
    return bytes([field << 3, value])


def _port(name: bytes) -> bytes:
    return _entry(1, name) + _entry(2, _entry(1, _number(1, 1) + _entry(2, b"")))


def model(domain: bytes, opset: int, ir: int, operator: bytes) -> bytes:
    """One operator of one opset, in protobuf."""
    node = _entry(1, b"a") + _entry(2, b"b") + _entry(4, operator) + _entry(7, domain)
    graph = _entry(1, node) + _entry(2, b"g") + _entry(11, _port(b"a")) + _entry(12, _port(b"b"))
    opsets = _entry(8, _entry(1, domain) + _number(2, opset))
    return _number(1, ir) + _entry(7, graph) + opsets + (_entry(8, _number(2, 17)) if domain else b"")


def accepts(data: bytes) -> bool:
    """Whether the runtime takes a model, or refuses it for another reason than its version."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001  (each release has errors of its own)
        return not is_of_version(str(error))
    return True


def is_of_version(words: str) -> bool:
    """Whether a model is refused for its version."""
    return any(text in words for text in ("ValidateOpset", "IR version", "ORT format model version"))


def ask(accepts: Callable[[bytes], bool], ort: bytes, version: str) -> dict[str, list[int]]:
    """Return the versions that a runtime takes; that of an ORT file's format is replaced by others."""
    at = ort.rindex(bytes([1, 0, 0, 0]) + version.encode() + bytes(1)) + 4  # the version is a text of one digit
    return {
        "ai.onnx opset": [k for k in range(6, 40) if accepts(model(b"", k, 8, b"Abs"))],
        "ONNX IR": [k for k in range(3, 30) if accepts(model(b"", 17, k, b"Abs"))],
        "ai.onnx.ml opset": [k for k in range(1, 20) if accepts(model(b"ai.onnx.ml", k, 8, b"Binarizer"))],
        "com.microsoft opset": [k for k in range(1, 20) if accepts(model(b"com.microsoft", k, 8, b"Gelu"))],
        "ORT format": [k for k in range(4, 10) if accepts(ort[:at] + str(k).encode() + ort[at + 1 :])],
    }


def main(path: str) -> None:
    """Answer the request: ``version`` of the ORT file's format."""
    print(json.dumps(ask(accepts, Path(path).read_bytes(), str(json.load(sys.stdin)["version"]))))


if __name__ == "__main__":
    main(sys.argv[1])
