"""What releases can run stands in support.json; it is offered again to the releases installed here."""

import dataclasses
import itertools
import sys

import pytest
import support_facts

from digitrec_edge.formats.graph import Graph
from runtimes import RUNTIMES, RuntimeRow, support
from runtimes.table import find

TFLITE = [row for row in RUNTIMES if "tflite" in row.formats and row.distribution]


def newest_known(runtime: str, version: str) -> dict[str, int]:
    """What a version has: as the newest release that is written down and not newer than it."""
    known = support.releases(runtime)
    return [has for name, has in known.items() if support.version_key(name) <= support.version_key(version)][-1]


def needing(*needs: tuple[str, int]) -> Graph:
    return Graph((), (), (), (), needs)


@pytest.mark.parametrize("row", TFLITE, ids=lambda row: row.name)
def test_the_installed_tflite_runtime_has_each_builtin_operator_up_to_the_version_that_is_written_down(
    row: RuntimeRow,
) -> None:
    if not row.installed:
        pytest.skip(f"{row.name} is not installed here")
    found = support_facts.offer(row, [sys.executable])
    known = newest_known(row.name, row.version)
    oldest = {"BROADCAST_TO": 2}  # all others begin with version 1
    assert found == {name: list(range(oldest.get(name, 1), known.get(name, 0) + 1)) for name in found}
    assert set(known) <= set(found)
    assert max(max(versions, default=0) for versions in found.values()) < support_facts.HIGHEST


def test_the_installed_onnx_runtime_has_opsets_and_formats_up_to_those_that_are_written_down() -> None:
    row = find("onnxruntime")
    found = support_facts.offer(row, [sys.executable])
    assert support_facts.highest(row, found) == newest_known(row.name, row.version)


def test_a_gap_among_the_accepted_versions_is_noticed() -> None:
    with pytest.raises(ValueError, match="ADD"):
        support_facts.highest(find("litert"), {"ADD": [1, 2, 4]})


def test_the_file_is_as_its_generator_writes_it() -> None:
    assert support.FACTS.read_text(encoding="utf-8") == support_facts.to_json(support_facts.recorded())


def test_a_release_lists_what_changed_since_the_one_before() -> None:
    releases = {"1.10": {"a": 2, "b": 1}, "1.9": {"a": 1, "b": 1}, "1.11": {"a": 2, "b": 1}}
    assert support_facts.changes(releases) == {"1.9": {"a": 1, "b": 1}, "1.10": {"a": 2}}


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
