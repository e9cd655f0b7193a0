"""A board's way to a package index: this machine's own, or none at all."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NOWHERE = "[global]\nindex-url = http://127.0.0.1:9/simple\n"


def cut_off(home: Path) -> None:
    """Leave the board with a package index that does not answer."""
    _write(home, NOWHERE)


def connect(home: Path) -> None:
    """Give the board the package index and the certificates that pip has on this machine."""
    done = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True)
    pairs = (line.partition("=") for line in done.stdout.splitlines())
    found = {name.rpartition(".")[2]: value.strip("'\"") for name, _, value in pairs}
    lines = ["[global]"]
    if "index-url" in found:
        lines.append(f"index-url = {found['index-url']}")
    certificates = found.get("cert") or os.environ.get("SSL_CERT_FILE")
    if certificates:
        shutil.copyfile(certificates, home / "certificates.crt")
        lines.append("cert = /home/pi/certificates.crt")
    _write(home, "\n".join([*lines, ""]))


def _write(home: Path, text: str) -> None:
    folder = home / ".config" / "pip"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pip.conf").write_text(text)
