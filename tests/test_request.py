"""A benchmark request: the same record here and on a device, so that nothing asked for is lost on the way."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.request import BenchmarkRequest, measure_request, read_request
from digitrec_edge.errors import BenchmarkError

ALL_SET = BenchmarkRequest(
    artifacts=("a.tflite", "folder"), runtimes=("litert",), variants=("int8",), threads=(1, 2), batches=(1, 32),
    effort="quick", seed=7, keep_samples=True, device="bench board", data="own.npz",
)  # fmt: skip


def test_every_field_reaches_the_other_end(tmp_path: Path) -> None:
    defaults = BenchmarkRequest(artifacts=())
    for field in dataclasses.fields(BenchmarkRequest):
        assert getattr(ALL_SET, field.name) != getattr(defaults, field.name), "set every field to something else here"
    (tmp_path / "request.json").write_bytes(ALL_SET.to_json())
    assert read_request(tmp_path / "request.json") == ALL_SET


def test_the_command_line_makes_and_takes_it(cli: Callable[..., Any], tmp_path: Path, artifacts: Path) -> None:
    request = BenchmarkRequest(
        (str(artifacts / "digitrec-int8.tflite"),), ("litert",), effort="quick", device="a name", seed=3
    )
    (tmp_path / "request.json").write_bytes(request.to_json())
    cli("benchmark", "--request", tmp_path / "request.json", "--json", tmp_path / "out.json", brief=True)
    (run,) = json.loads((tmp_path / "out.json").read_text())["runs"]
    assert (run["device"], run["seed"], run["effort"]["name"], len(run["results"])) == ("a name", 3, "quick", 1)


@pytest.mark.parametrize(
    ("change", "fact"),
    [
        ({"surprise": 1}, "missing or unknown key 'surprise'"),
        ({"seed": "7"}, "request.seed is str"),
        ({"threads": [1.5]}, "request.threads is float"),
    ],
)
def test_what_is_no_request_is_refused(tmp_path: Path, change: dict[str, object], fact: str) -> None:
    path = tmp_path / "request.json"
    path.write_text(json.dumps({**json.loads(ALL_SET.to_json()), **change}))
    with pytest.raises(BenchmarkError, match=f"request.json is no benchmark request: .*{fact}"):
        read_request(path)


def test_an_effort_that_does_not_exist_is_refused_with_those_there_are() -> None:
    with pytest.raises(BenchmarkError, match="no effort is called 'endless'; choose from quick, default, strict"):
        measure_request(dataclasses.replace(ALL_SET, effort="endless"))


def test_one_name_for_several_devices_is_wrong_usage(cli: Callable[..., Any], artifacts: Path) -> None:
    done = cli("benchmark", artifacts, "--host", "a@b", "--host", "c@d", "--device", "mine", ok=False)
    assert done.returncode == 2
    assert "'mine' cannot name 2 devices" in " ".join(done.stderr.split())
