"""``digitrec-edge report``: the page, its figures, and what is missing on standard error."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("matplotlib", reason="report needs the extra 'report'")
pytest.importorskip("jinja2", reason="report needs the extra 'report'")

from digitrec_edge.pip_lines import install_extra
from digitrec_edge.report import ReportData

Cli = Callable[..., "subprocess.CompletedProcess[str]"]


def test_the_command_writes_the_same_page_again_and_tells_every_note(
    cli: Cli, folder: Path, page: Path, data: ReportData, digits: Path, tmp_path: Path
) -> None:
    done = cli("report", folder, "--data", digits, "--output", tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text() == page.read_text()
    assert (tmp_path / "page-figures").is_dir()
    assert "figures, PNG and SVG" in done.stdout
    assert done.stderr.splitlines() == [f"note: {note}" for note in data.notes]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [(("absent",), 1, "no such folder: absent"), ((".", "--output", "report.pdf"), 2, "must end in .html")],
)
def test_wrong_usage(arguments: tuple[str, ...], code: int, words: str, cli: Cli) -> None:
    done = cli("report", *arguments, ok=False)
    assert done.returncode == code
    assert words in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("module", ["matplotlib", "jinja2"])
def test_what_the_extra_brings_is_asked_for_by_name(module: str, tmp_path: Path) -> None:
    code = f"import sys; sys.modules[{module!r}] = None; from digitrec_edge.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code, "report", str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert module in line
    assert install_extra("report") in line
