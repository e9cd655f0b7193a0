"""What releases can run stands in support.json; it is offered again to the releases installed here."""

import dataclasses
import itertools
import json
import subprocess
import sys
from pathlib import Path

import pytest

from digitrec_edge import artifact
from digitrec_edge.formats.graph import Graph
from digitrec_edge.formats.tflite_operators import BUILTIN_OPERATORS
from runtimes import RUNTIMES, RuntimeRow, support
from runtimes.table import IndexPackage, find

TFLITE = [row for row in RUNTIMES if "tflite" in row.formats]
HIGHEST = 20
"""No operator of any release has come this far."""

NO_OPERATORS = {"CUSTOM", "DELEGATE", "PLACEHOLDER_FOR_GREATER_OP_CODES"}
"""Codes that stand for something else."""

OFFER_OPERATORS = '''
import importlib, json, sys
import flatbuffers

interpreter = importlib.import_module(sys.argv[1] + ".interpreter").Interpreter

def model(code, version):
    """One operator code, an empty graph, an empty buffer: the operator is looked up before anything is run."""
    b = flatbuffers.Builder(256)

    def table(*fields):
        b.StartObject(max([slot for slot, _, _ in fields], default=-1) + 1)
        for slot, kind, value in fields:
            getattr(b, f"Prepend{kind}Slot")(slot, value, 0)
        return b.EndObject()

    def vector(*offsets):
        b.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            b.PrependUOffsetTRelative(offset)
        return b.EndVector()

    offset = "UOffsetTRelative"
    nothing = vector()
    graph = vector(table((0, offset, nothing), (1, offset, nothing), (2, offset, nothing), (3, offset, nothing)))
    codes = vector(table((0, "Int8", min(code, 127)), (2, "Int32", version), (3, "Int32", code)))
    buffers = vector(table())
    b.Finish(table((0, "Uint32", 3), (1, offset, codes), (2, offset, graph), (4, offset, buffers)), b"TFL3")
    return bytes(b.Output())

def accepts(code, version):
    try:
        interpreter(model_content=model(code, version))
    except ValueError as error:
        if "Didn't find op for builtin opcode" in str(error) or "builtin_code out of range" in str(error):
            return False
        raise
    return True

request = json.load(sys.stdin)
print(json.dumps({
    name: [version for version in range(1, request["highest"] + 1) if accepts(code, version)]
    for name, code in request["codes"].items()
}))
'''

OFFER_OPSETS = """
import json, sys
import onnxruntime
from digitrec_edge.formats.protobuf import encode_bytes

def number(field, value):
    return bytes([field << 3, value])

def port(name):
    return encode_bytes(1, name) + encode_bytes(2, encode_bytes(1, number(1, 1) + encode_bytes(2, b"")))

def model(domain, opset, ir, operator):
    node = encode_bytes(1, b"a") + encode_bytes(2, b"b") + encode_bytes(4, operator) + encode_bytes(7, domain)
    graph = encode_bytes(1, node) + encode_bytes(2, b"g") + encode_bytes(11, port(b"a")) + encode_bytes(12, port(b"b"))
    opsets = encode_bytes(8, encode_bytes(1, domain) + number(2, opset))
    return number(1, ir) + encode_bytes(7, graph) + opsets + (encode_bytes(8, number(2, 17)) if domain else b"")

def accepts(data):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        return not any(text in str(error) for text in ("ValidateOpset", "IR version", "ORT format model version"))
    return True

ort = open(sys.argv[1], "rb").read()
at = ort.rindex(bytes([1, 0, 0, 0]) + sys.argv[2].encode() + bytes(1)) + 4  # the version is a text of one digit
print(json.dumps({
    "ai.onnx opset": [k for k in range(6, 40) if accepts(model(b"", k, 8, b"Abs"))],
    "ONNX IR": [k for k in range(3, 30) if accepts(model(b"", 17, k, b"Abs"))],
    "ai.onnx.ml opset": [k for k in range(1, 20) if accepts(model(b"ai.onnx.ml", k, 8, b"Binarizer"))],
    "com.microsoft opset": [k for k in range(1, 20) if accepts(model(b"com.microsoft", k, 8, b"Gelu"))],
    "ORT format": [k for k in range(4, 10) if accepts(ort[:at] + str(k).encode() + ort[at + 1:])],
}))
"""


def newest_known(runtime: str, version: str) -> dict[str, int]:
    """What a version has: as the newest release that is written down and not newer than it."""
    known = support.releases(runtime)
    return [has for name, has in known.items() if support.version_key(name) <= support.version_key(version)][-1]


def needing(*needs: tuple[str, int]) -> Graph:
    return Graph((), (), (), (), needs)


def child(code: str, *arguments: str | Path, request: object = None) -> dict[str, list[int]]:
    """Ask a runtime in a process of its own: tflite-runtime and TensorFlow do not go together."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, input=json.dumps(request), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    answer: dict[str, list[int]] = json.loads(done.stdout)
    return answer


@pytest.mark.parametrize("row", TFLITE, ids=lambda row: row.name)
def test_the_installed_tflite_runtime_has_each_builtin_operator_up_to_the_version_that_is_written_down(
    row: RuntimeRow,
) -> None:
    if not row.installed:
        pytest.skip(f"{row.name} is not installed here")
    assert isinstance(row.presence, IndexPackage)
    codes = {name: code for code, name in enumerate(BUILTIN_OPERATORS) if name not in NO_OPERATORS}
    found = child(OFFER_OPERATORS, row.presence.package, request={"codes": codes, "highest": HIGHEST})
    known = newest_known(row.name, row.version)
    assert set(known) <= set(codes)
    oldest = {"BROADCAST_TO": 2}  # all others begin with version 1
    expected = {name: list(range(oldest.get(name, 1), known.get(name, 0) + 1)) for name in codes}
    assert found == expected
    assert max(max(versions, default=0) for versions in found.values()) < HIGHEST


def test_the_installed_onnx_runtime_has_opsets_and_formats_up_to_those_that_are_written_down(artifacts: Path) -> None:
    row = find("onnxruntime")
    path = artifacts / "digitrec-float32.ort"
    (_, version), *_ = artifact.read(path).graph.needs
    found = child(OFFER_OPSETS, path, str(version))
    known = newest_known(row.name, row.version)
    for name, versions in found.items():
        assert versions == list(range(versions[0], known[name] + 1)), name
    assert set(known) - set(found) <= {"com.microsoft.nchwc opset"}


def test_a_runtime_that_is_older_than_what_is_written_down_is_noticed() -> None:
    """The comparison above can fail: no two releases of a runtime have the same operators."""
    for row in RUNTIMES:
        releases = list(support.releases(row.name).values())
        assert all(earlier != later for earlier, later in itertools.pairwise(releases))
    assert (
        support.releases("litert")["1.0.1"]["FULLY_CONNECTED"]
        > newest_known("tflite-runtime", "2.14.0")["FULLY_CONNECTED"]
    )


@pytest.mark.parametrize(
    ("version", "key"), [("2.14.0", (2, 14, 0)), ("2.9", (2, 9)), ("1.24.0rc1", (1, 24, 0)), ("dev", (0,))]
)
def test_versions_are_compared_as_numbers(version: str, key: tuple[int, ...]) -> None:
    assert support.version_key(version) == key
    assert support.version_key("2.9.0") < support.version_key("2.14.0")


@pytest.mark.parametrize(
    ("runtime", "version", "needs", "reason"),
    [
        ("tflite-runtime", "2.14.0", ("FULLY_CONNECTED", 10), None),
        (
            "tflite-runtime", "2.14.0", ("FULLY_CONNECTED", 12),
            "needs FULLY_CONNECTED 12 (tflite-runtime 2.14.0 has 10 at the most)",
        ),
        ("tflite-runtime", "2.14.0", ("STABLEHLO_CASE", 1),
         "needs STABLEHLO_CASE 1 (tflite-runtime 2.14.0 does not have it)"),
        ("tflite-runtime", "2.14.0", ("MyOwn", 1), "needs MyOwn 1 (tflite-runtime 2.14.0 does not have it)"),
        ("litert", "2.3.0", ("FULLY_CONNECTED", 12), None),
        ("litert", "1.2.0", ("DYNAMIC_UPDATE_SLICE", 3), None),
        ("litert", "1.2.0", ("DYNAMIC_UPDATE_SLICE", 4),
         "needs DYNAMIC_UPDATE_SLICE 4 (litert 1.2.0 has 3 at the most)"),
        ("litert", "0.9", ("FULLY_CONNECTED", 13), None),
        ("onnxruntime", "1.17.3", ("ai.onnx opset", 20), None),
        ("onnxruntime", "1.17.3", ("ai.onnx opset", 21),
         "needs ai.onnx opset 21 (onnxruntime 1.17.3 has 20 at the most)"),
        ("onnxruntime", "1.17.3", ("com.example opset", 1),
         "needs com.example opset 1 (onnxruntime 1.17.3 does not have it)"),
    ],
)  # fmt: skip
def test_what_a_version_lacks_is_said(runtime: str, version: str, needs: tuple[str, int], reason: str | None) -> None:
    assert support.lacking(find(runtime), version, needing(needs)) == reason
    assert support.lacks(find(runtime), version, *needs) == (reason is not None)


def test_the_first_thing_that_is_lacking_is_named() -> None:
    graph = needing(("RESHAPE", 1), ("FULLY_CONNECTED", 12), ("CONV_2D", 99))
    assert support.lacking(find("tflite-runtime"), "2.14.0", graph) == (
        "needs FULLY_CONNECTED 12 (tflite-runtime 2.14.0 has 10 at the most)"
    )


@pytest.mark.parametrize(
    ("runtime", "needs", "oldest"),
    [
        ("litert", ("FULLY_CONNECTED", 13), "1.0.1"),
        ("litert", ("FULLY_CONNECTED", 14), "2.1.6"),
        ("litert", ("FULLY_CONNECTED", 99), None),
        ("tflite-runtime", ("FULLY_CONNECTED", 10), "2.14.0"),
        ("tflite-runtime", ("FULLY_CONNECTED", 12), None),
        ("onnxruntime", ("ai.onnx opset", 17), "1.15.1"),
        ("onnxruntime", ("ai.onnx opset", 22), "1.21.1"),
    ],
)
def test_the_oldest_release_that_runs_a_model_is_found(
    runtime: str, needs: tuple[str, int], oldest: str | None
) -> None:
    assert support.oldest(find(runtime), needing(needs)) == oldest


def test_a_runtime_of_which_nothing_is_recorded_is_left_to_refuse_by_itself() -> None:
    row = dataclasses.replace(find("litert"), name="unheard-of")
    graph = needing(("FULLY_CONNECTED", 99))
    assert support.releases(row.name) == {}
    assert support.lacking(row, "1.0", graph) is None
    assert not support.lacks(row, "1.0", "FULLY_CONNECTED", 99)
    assert support.oldest(row, graph) is None


def test_every_runtime_and_the_release_that_artifacts_are_made_for_are_recorded() -> None:
    for row in RUNTIMES:
        assert row.release in support.releases(row.name)
        releases = list(support.releases(row.name))
        assert releases == sorted(releases, key=support.version_key)
        for earlier, later in itertools.pairwise(releases):
            before, after = support.releases(row.name)[earlier], support.releases(row.name)[later]
            assert all(after[name] >= version for name, version in before.items())
