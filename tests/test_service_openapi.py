"""The OpenAPI document, walked by a fuzzer: every answer is one that it names, and none is a failure."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")
pytest.importorskip("schemathesis")

from digitrec_edge import mnist
from digitrec_edge.service.openapi import document
from digitrec_edge.service.routes import ROUTES
from digitrec_edge.service.schemas import schemas_for
from tests.serving import Serving, png, serving

RULES = Path(__file__).with_name("schemathesis.toml")
CASES = 12
"""Of a route, besides those that try each limit; `make serve-load` tries many more."""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    place = tmp_path_factory.mktemp("fuzzed")
    arguments = ("--keep", "all", "--collection", place / "c.sqlite", "--max-body-mb", "1")
    with serving(*arguments, "--runtime", "native", "--workers", "1") as found:
        for image in mnist.load("test").images[:5]:
            assert found.read(png(image)).json["kept"]
        yield found


def test_every_route_and_schema_is_in_it() -> None:
    found = document(token=True, labels=10)
    assert {(path, method.upper()) for path, one in found["paths"].items() for method in one} == {
        (route.path, route.method) for route in ROUTES
    }
    schemas = found["components"]["schemas"]
    text = str(found["paths"]) + str(schemas)
    assert all(f"#/components/schemas/{name}'" in text for name in schemas)
    for route in ROUTES:
        answers = found["paths"][route.path][route.method.lower()]["responses"]
        assert ("401" in answers) != route.open
        assert all(status in answers for status in ("403", "421", "500"))


def test_a_correction_is_one_of_the_labels_of_the_artifact_that_answers(service: Serving) -> None:
    corrections = (document(token=False, labels=18), service.get("/openapi.json").json)
    digits = [one["components"]["schemas"]["Correction"]["properties"]["digit"] for one in corrections]
    assert [digit["maximum"] for digit in digits] == [17, 9]


def test_a_fuzzer_finds_no_answer_that_is_not_in_it(service: Serving, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(RULES), "run"]
    options = ["--checks", "all", "--max-examples", str(CASES), "--seed", "1", "--suppress-health-check", "all"]
    done = subprocess.run(
        [*command, f"{service.address}openapi.json", *options, "--no-color"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    walked = len(ROUTES) - 1  # all but the document itself
    assert f"{walked} selected / {walked} total" in done.stdout
    assert service.get("/healthz").status == 200
    assert service.figure("digitrec_readers_lost_total") == 0


def test_the_documentation_names_every_route_and_its_answers() -> None:
    text = (Path(__file__).parents[1] / "docs" / "serving.md").read_text(encoding="utf-8")
    for route in ROUTES:
        own = sorted({answer.status for answer in route.all_answers} - {401, 403, 421, 500})
        line = f"| `{route.method} {route.path}` | {route.summary} | {', '.join(map(str, own))} |"
        assert line in text


def test_the_example_for_home_assistant_asks_for_what_there_is() -> None:
    yaml: Any = pytest.importorskip("yaml")

    class Loader(yaml.SafeLoader):  # type: ignore[misc]
        """Knows Home Assistant's secrets."""

    Loader.add_constructor("!secret", lambda loader, node: f"secret {node.value}")
    text = (Path(__file__).parents[1] / "docs" / "serving.md").read_text(encoding="utf-8")
    example = yaml.load(text.split("```yaml\n")[1].split("```")[0], Loader)
    (sensor,) = example["sensor"]
    schemas = schemas_for(10)
    asked = re.findall(r"value_json\.(\w+)", sensor["value_template"]) + sensor["json_attributes"]
    assert set(asked) <= set(schemas["Card"]["properties"])
    command = example["command_line"][0]["sensor"]
    asked = re.findall(r"value_json\.(\w+)", command["value_template"]) + command["json_attributes"]
    assert set(asked) <= set(schemas["Several"]["properties"])
    assert "/v1/read?multi=1&min_confidence=0.9" in command["command"]
