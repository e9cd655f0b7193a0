"""benchmarks.results.document, schema and samples: what is written is what is read, and what is published."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from benchmarks import document, merge
from benchmarks.measure.samples import pack, unpack
from benchmarks.quality.answers import pack_answers
from benchmarks.quality.significance import wilson
from benchmarks.results.document import Result, Run, from_json, read
from benchmarks.results.schema import make_schema, published, render
from benchmarks.results.validity import QUANTITIES, Status
from digitrec_edge.errors import BenchmarkError

MakeResult = Callable[..., Result]
MakeRun = Callable[..., Run]


def faults(data: bytes) -> list[str]:
    """What the published schema finds wrong."""
    import jsonschema  # three seconds, which not every run of tests needs

    validator = jsonschema.Draft202012Validator(json.loads(published()))
    return [fault.message for fault in validator.iter_errors(json.loads(data))]


def test_a_document_comes_back_as_it_was(make_run: MakeRun, make_result: MakeResult) -> None:
    failed = make_result(status="failed", reasons=("no",), invoke=None, end_to_end=None, starts=None, quality=None)
    one = document(make_run(make_result(), failed))
    assert from_json(one.to_json()) == one


def test_a_document_fits_the_published_schema(make_run: MakeRun, make_result: MakeResult) -> None:
    failed = make_result(
        status="failed", reasons=("no",), invoke=None, end_to_end=None, starts=None, quality=None, memory=None,
        artifact_sha256=None, file_bytes=None, runtime_version=None,
    )  # fmt: skip
    one = document(make_run(make_result(), failed), make_run(device="other", board="Raspberry Pi 5"))
    assert faults(one.to_json()) == []


def test_the_published_schema_is_that_of_the_code() -> None:
    assert published() == render(), "python -m benchmarks.results.schema > benchmarks/results/benchmark-2.schema.json"


def test_the_schema_is_a_schema_and_describes_every_field_that_the_code_describes() -> None:
    import jsonschema

    schema = make_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert "order" in schema["$defs"]["Run"]["properties"]["seed"].get("description", "order")
    assert "median of each round" in schema["$defs"]["Summary"]["properties"]["round_p50_us"]["description"]
    assert schema["$defs"]["Result"]["properties"]["status"]["enum"] == [*get_args(Status)]


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("version",), 0),
        (("runs", 0, "results", 0, "status"), "fine"),
        (("runs", 0, "results", 0, "threads"), "1"),
        (("runs", 0, "results", 0, "invoke", "p50_us"), None),
        (("runs", 0, "results", 0, "surprise"), 1),
        (("runs", 0, "timer"), None),
    ],
)
def test_what_the_schema_forbids_the_reader_refuses_too(
    where: tuple[str | int, ...], value: object, make_run: MakeRun, make_result: MakeResult
) -> None:
    raw = json.loads(document(make_run(make_result())).to_json())
    inner = raw
    for key in where[:-1]:
        inner = inner[key]
    inner[where[-1]] = value
    changed = json.dumps(raw).encode()
    assert faults(changed)
    with pytest.raises(BenchmarkError, match="is no benchmark document"):
        from_json(changed)


def test_a_missing_figure_is_refused(make_run: MakeRun, make_result: MakeResult) -> None:
    raw = json.loads(document(make_run(make_result())).to_json())
    del raw["runs"][0]["results"][0]["end_to_end"]["p99_us"]
    changed = json.dumps(raw).encode()
    assert faults(changed)
    with pytest.raises(BenchmarkError, match="p99_us"):
        from_json(changed)


@pytest.mark.parametrize(
    ("status", "unreliable"),
    [("ok", ("end_to_end",)), ("invalid", ()), ("invalid", ("invoke",)), ("ok", ("invoke", "invoke", "invoke"))],
)
def test_a_status_that_its_quantities_contradict_is_refused(
    status: str, unreliable: tuple[str, ...], make_run: MakeRun, make_result: MakeResult
) -> None:
    result = make_result(status=status, unreliable=unreliable)
    with pytest.raises(BenchmarkError, match="unreliable"):
        from_json(document(make_run(result)).to_json())
    noisy = document(make_run(make_result(unreliable=("invoke",)), make_result("int4", status="invalid")))
    assert from_json(noisy.to_json()) == noisy


def test_what_is_unreliable_has_no_figures_to_rely_on(make_result: MakeResult) -> None:
    result = make_result(unreliable=("invoke",))
    assert result.reliable("invoke") is None
    assert result.reliable("end_to_end") is result.end_to_end


@pytest.mark.parametrize(("status", "unreliable"), [("ok", ()), ("invalid", QUANTITIES)])
def test_version_1_does_not_say_which_quantity_was_noise(status: str, unreliable: tuple[str, ...]) -> None:
    raw = json.loads((Path(__file__).parent / "data" / "benchmark-1.json").read_text())
    raw["runs"][0]["results"][0]["status"] = status
    (run,) = from_json(json.dumps(raw).encode()).runs
    assert run.results[0].unreliable == unreliable


def test_the_interval_of_an_accuracy_needs_the_number_of_images(make_result: MakeResult) -> None:
    labels = np.zeros(1000, np.uint8)
    answers = pack_answers(np.arange(1000) // 980, labels, "a" * 64)
    quality = make_result().quality
    assert quality
    assert quality.accuracy_interval is None
    assert dataclasses.replace(quality, answers=answers).accuracy_interval == wilson(980, 1000)


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b"{}", b"\xff\xfe", b'{"version": 1}', b"[" * 100_000])
def test_other_files_are_refused_in_one_line(data: bytes) -> None:
    with pytest.raises(BenchmarkError) as caught:
        from_json(data, "old.json")
    assert str(caught.value).startswith("old.json is no benchmark document")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match=r"no such file: .*absent\.json"):
        read(tmp_path / "absent.json")


def test_a_figure_that_is_no_number_is_never_written(make_run: MakeRun, make_result: MakeResult) -> None:
    result = make_result()
    assert result.invoke
    broken = dataclasses.replace(result, invoke=dataclasses.replace(result.invoke, p50_us=float("nan")))
    with pytest.raises(ValueError, match="not JSON compliant"):
        document(make_run(broken)).to_json()


def test_documents_of_several_devices_become_one(make_run: MakeRun, make_result: MakeResult) -> None:
    parts = [document(make_run(make_result(), device=name)) for name in ("Pi 4", "Pi 5")]
    both = merge(parts)
    assert [run.device for run in both.runs] == ["Pi 4", "Pi 5"]
    assert faults(both.to_json()) == []
    with pytest.raises(BenchmarkError, match="'Pi 4'; measure one again with another --device"):
        merge([*parts, parts[0]])


def test_raw_samples_survive_their_compression() -> None:
    samples = np.array([0, 1, 70, 123_456_789_012], np.int64)
    assert np.array_equal(unpack(pack(samples)), samples)


@pytest.mark.parametrize("text", ["", "!", "AAAA", "eJwBAAD//w=="])
def test_damaged_samples_are_refused(text: str) -> None:
    with pytest.raises(BenchmarkError, match="raw samples cannot be read"):
        unpack(text)
