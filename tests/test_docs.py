"""The documentation site: built strictly and without the network; complete; its picture is that of the code."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import import_graph
import numpy as np
import public_api
import pytest
import typer
from PIL import Image

from digitrec_edge import errors, mnist
from digitrec_edge.cli.program import program

ROOT = Path(__file__).parents[1]
WRITTEN = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "mkdocs.yml")
PACKAGES = ("digitrec_edge", "runtimes", "benchmarks", "converters")

pytestmark = pytest.mark.checkout


def build(checkout: Path, site: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(site)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    return subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs") / "site"
    done = build(ROOT, folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A checkout whose pages may be changed."""
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    for name in WRITTEN:
        shutil.copy(ROOT / name, tmp_path)
    for name in PACKAGES:
        (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


def add(page: Path, text: str) -> None:
    with page.open("a") as file:
        file.write(f"\n\n{text}\n")


def test_whatever_is_broken_fails_the_build(copy: Path) -> None:
    broken = {
        "no-such-page.md": ("docs/training.md", "[gone](no-such-page.md)"),
        "no-such-heading": ("docs/training.md", "[gone](artifacts.md#no-such-heading)"),
        "no-such-readme-page.md": ("README.md", "[gone](docs/no-such-readme-page.md)"),
        "no-such-name": ("docs/training.md", "[`gone`][no-such-name]"),
        "unlisted.md": ("docs/unlisted.md", "# Not in the navigation"),
    }
    for page, text in broken.values():
        add(copy / page, text)
    done = build(copy, copy / "site")
    assert done.returncode == 1
    warnings = [line for line in done.stderr.splitlines() if line.startswith("WARNING")]
    for named in broken:
        assert named in done.stderr
    assert len(warnings) == len(broken), warnings
    assert f"Aborted with {len(broken)} warnings in strict mode!" in done.stdout + done.stderr


def test_a_public_name_that_does_not_exist_fails_the_build(copy: Path) -> None:
    add(copy / "docs" / "api.md", "::: runtimes.no_such_name")
    done = build(copy, copy / "site")
    assert done.returncode == 1
    assert "runtimes.no_such_name" in done.stderr


def test_make_docs_builds_strictly_and_is_part_of_make_test() -> None:
    assert re.search(r"^strict: true$", (ROOT / "mkdocs.yml").read_text(), re.M)
    for target in ("docs", "test"):
        plan = subprocess.run(
            ["make", "--dry-run", "--assume-old=.venv/.ready", target],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        assert "mkdocs build" in plan.stdout
        assert not re.search(r"mkdocs build.*(--no-strict|-q)", plan.stdout)  # either lets warnings pass


def test_every_command_and_every_option_is_in_the_reference(site: Path) -> None:
    text = (site / "command-line.html").read_text()
    group = typer.main.get_command(program())
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        section = text.partition(f'id="digitrec-edge-{name}"')[2].partition("<h2")[0]
        assert section, name
        for parameter in (one for one in command.params if not getattr(one, "hidden", False)):
            names = parameter.opts if parameter.param_type_name == "option" else [parameter.metavar or parameter.name]
            assert any(f"<code>{word}" in section or f", {word} " in section for word in names), (name, names)


def test_every_public_name_is_in_the_reference(site: Path) -> None:
    text = (site / "api.html").read_text()
    for name, members in public_api.public_names().items():
        for member in members:
            assert f'id="{name}.{member}"' in text, f"{name}.{member}"


def test_no_page_fetches_anything_from_elsewhere(site: Path) -> None:
    fetched = re.compile(r'<(?:script|img|iframe)\b[^>]*src="https?:|<link\b[^>]*href="https?:|url\(["\']?https?:')
    pages = [*site.rglob("*.html"), *site.rglob("*.css")]
    assert len(pages) > 10
    for page in pages:
        assert not fetched.search(page.read_text()), page.name


def test_the_tutorial_page_has_every_cell_and_every_figure(site: Path) -> None:
    text = (site / "tutorial.html").read_text()
    cells = json.loads((ROOT / "docs" / "tutorial.ipynb").read_text())["cells"]
    assert text.count('<div class="highlight"') >= sum(cell["cell_type"] == "code" for cell in cells)
    figures = re.findall(r'src="(tutorial-\d+\.svg)"', text)
    pictures = [output for cell in cells for output in cell.get("outputs", ()) if "image/svg+xml" in str(output)]
    assert len(figures) == len(pictures) > 5
    assert all((site / name).read_text().lstrip().startswith(("<?xml", "<svg")) for name in figures)


def test_the_picture_and_the_table_of_rooms_are_those_of_the_code() -> None:
    imports = import_graph.read_imports()
    page = import_graph.PAGE.read_text()
    command = "python docs/site/import_graph.py makes it anew"
    assert import_graph.page(page, imports) == page, command
    assert import_graph.draw(imports) == import_graph.PICTURE.read_text(), command


def test_a_new_import_changes_the_picture_and_a_circle_is_an_error() -> None:
    imports = import_graph.read_imports()
    more = {**imports, "converters": imports["converters"] | {"digitrec_edge.installation"}}
    assert import_graph.draw(more) != import_graph.draw(imports)
    with pytest.raises(RecursionError):
        import_graph.levels_of({**imports, "digitrec_edge.errors": {"digitrec_edge.cli"}})


def test_files_that_the_pages_name_exist() -> None:
    pages = [*(ROOT / "docs").glob("*.md"), *(ROOT / name for name in WRITTEN)]
    named = re.compile(rf"\b((?:{'|'.join((*PACKAGES, 'tests', 'docs'))})/[a-z0-9_./-]*\w)(?![A-Z])")
    for page in pages:
        text = page.read_text()
        made_there = {*re.findall(r"<!-- file: (\S+) -->", text)}
        for path in {*named.findall(text)} - made_there:
            assert (ROOT / path).exists(), f"{page.name}: {path}"


def test_the_hooks_of_pre_commit_are_steps_of_make_lint() -> None:
    text = (ROOT / ".pre-commit-config.yaml").read_text()
    entries = re.findall(r"^ +entry: (\S+) ?(\S*)", text, re.M)
    plan = subprocess.run(
        ["make", "--dry-run", "--assume-old=.venv/.ready", "lint"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert {program for program, _ in entries} == {
        step for step in re.findall(r"^(\S+)", plan, re.M) if step.startswith(".venv/bin/")
    } - {".venv/bin/python"}
    assert set(re.findall(r"repo: (\S+)", text)) == {"local"}
    command = [
        str(Path(sys.executable).parent / "pre-commit"),
        "validate-config",
        str(ROOT / ".pre-commit-config.yaml"),
    ]
    subprocess.run(command, check=True)


def example(name: str) -> str:
    found = re.search(rf"<!-- run: {name} -->\n```python\n(.*?)```", (ROOT / "docs" / "api.md").read_text(), re.S)
    assert found
    return found[1]


def test_the_example_goes_from_a_picture_to_its_digit(
    artifacts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(artifacts / "digitrec-int8.tflite", tmp_path)
    image = 255 - np.kron(mnist.load("test").images[0], np.ones((5, 5), np.uint8))
    Image.fromarray(image).save(tmp_path / "digit.png")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"frame": np.repeat(image[..., None], 3, axis=2)}
    exec(example("picture"), names)
    assert names["digit"] == 7
    assert json.loads(json.dumps(names["answer"]))["digit"] == 7


def test_the_example_tells_the_callers_mistakes_from_the_servers() -> None:
    names: dict[str, Any] = {}
    exec(example("status"), names)
    expected = {"InputError": 422, "PictureError": 422, "NotInstalledError": 503, "DamagedError": 500}
    assert {name: names["status_of"](getattr(errors, name)("why")) for name in expected} == expected
