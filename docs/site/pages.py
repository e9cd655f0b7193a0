"""Pages of the documentation site that have their source elsewhere; a hook of MkDocs.

README, CONTRIBUTING, SECURITY and CHANGELOG are pages as they are; the reference of the command line comes from the
typer app, the tutorial from its notebook. Nothing of it is kept twice.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
COPIED = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "CHANGELOG.md": "changelog.md",
}
LINK = re.compile(r"\]\((?:\.\./)?(?P<target>[\w./-]+\.\w+)(?P<anchor>#[\w-]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made to those that are written."""
    for source, page in COPIED.items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text()))
    files.append(File.generated(config, "command-line.md", content=command_line()))
    text, figures = tutorial(json.loads((ROOT / "docs" / "tutorial.ipynb").read_text()))
    files.append(File.generated(config, "tutorial.md", content=text))
    for name, svg in figures.items():
        files.append(File.generated(config, name, content=svg))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links between files of the repository into links between pages."""
    return LINK.sub(lambda match: f"]({_page(match['target'])}{match['anchor'] or ''})", markdown)


def on_page_content(content: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Drop the roles of Sphinx that docstrings use for names: this site shows the names alone."""
    return re.sub(r":(?:func|meth|class|mod):(?=<code)", "", content)


def _page(target: str) -> str:
    return COPIED.get(target) or target.removeprefix("docs/")


def command_line() -> str:
    """Return the reference of the command line, as typer writes it."""
    command = [sys.executable, "-m", "typer", str(Path(__file__).with_name("app.py")), "utils", "docs"]
    options = ["--name", "digitrec-edge", "--title", "Command line"]
    return subprocess.run([*command, *options], cwd=ROOT, check=True, capture_output=True, text=True).stdout


def tutorial(notebook: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """Return the notebook as Markdown, and its figures as SVG by file name."""
    parts: list[str] = []
    figures: dict[str, str] = {}
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(source)
            continue
        parts.append(_fenced("python", source))
        for output in cell["outputs"]:
            data = output.get("data", {"text/plain": output.get("text", ())})
            if "image/svg+xml" in data:
                name = f"tutorial-{len(figures) + 1}.svg"
                figures[name] = "".join(data["image/svg+xml"])
                parts.append(f"![Figure {len(figures)}]({name})")
            else:
                parts.append(_fenced("text", "".join(data["text/plain"]).rstrip()))
    introduction = "This page is the notebook [tutorial.ipynb](tutorial.ipynb), as it was last run."
    title, _, rest = "\n\n".join(parts).partition("\n")
    return f"{title}\n\n{introduction}\n{rest}\n", figures


def _fenced(language: str, text: str) -> str:
    return f"```{language}\n{text}\n```"
