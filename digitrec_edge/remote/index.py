"""Where pip takes packages from on this machine, for tools that do not read pip's configuration."""

import ast
import dataclasses
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from digitrec_edge.errors import RemoteError


@dataclass(frozen=True)
class PipIndex:
    """Pip's configuration of package indexes.

    Attributes:
        url: of the index; None for pip's own default.
        extra_urls: of further indexes.
        find_links: folders and pages of files.
        no_index: only ``find_links`` count.
        certificates: file of the certificate authorities; None for those of the system.
        trusted_hosts: hosts whose certificate does not count.
        constraints: files that hold versions back.
    """

    url: str | None
    extra_urls: tuple[str, ...]
    find_links: tuple[str, ...]
    no_index: bool
    certificates: str | None
    trusted_hosts: tuple[str, ...]
    constraints: tuple[Path, ...]

    def uv_variables(self) -> dict[str, str]:
        """Return the variables that make uv take packages from there; ``no_index`` has only an option."""
        variables = {
            "UV_DEFAULT_INDEX": self.url,
            "UV_INDEX": " ".join(self.extra_urls),
            "UV_INDEX_STRATEGY": "unsafe-best-match",  # as pip does it: the newest version of all indexes
            "UV_FIND_LINKS": ",".join(self.find_links),
            "UV_INSECURE_HOST": " ".join(self.trusted_hosts),
            "SSL_CERT_FILE": self.certificates,
        }
        return {name: value for name, value in variables.items() if value}

    def pip_variables(self) -> dict[str, str]:
        """Return the variables that make pip find the same files, whatever folder it is run in."""
        variables = {"PIP_FIND_LINKS": " ".join(self.find_links), "PIP_CERT": self.certificates}
        return {name: value for name, value in variables.items() if value}


def pip_index() -> PipIndex:
    """Ask pip for its configuration: its files and its environment variables; names of files count from this folder.

    Raises:
        RemoteError: this Python has no pip.
    """
    done = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, errors="replace", check=False
    )
    if done.returncode:
        raise RemoteError(f"pip is needed to fetch packages for a device: {sys.executable} -m ensurepip")
    found = read_configuration(done.stdout)
    return dataclasses.replace(
        found,
        find_links=tuple(Path(name).absolute().as_uri() if _is_here(name) else name for name in found.find_links),
        certificates=str(Path(found.certificates).absolute()) if found.certificates else None,
    )


def _is_here(name: str) -> bool:
    return not Path(name).is_absolute() and Path(name).exists()


def read_configuration(listed: str) -> PipIndex:
    """Read what ``pip config list`` prints: variables count first, then the section ``download``, then ``global``."""
    pairs = (line.partition("=") for line in listed.splitlines() if "=" in line)
    settings = {name: str(ast.literal_eval(value)) for name, _, value in pairs}

    def values(name: str) -> list[str]:
        return _first(settings, name).split()

    return PipIndex(
        url=_first(settings, "index-url") or None,
        extra_urls=tuple(values("extra-index-url")),
        find_links=tuple(values("find-links")),
        no_index=_first(settings, "no-index").lower() in ("1", "true", "yes", "on"),
        certificates=_first(settings, "cert") or None,
        trusted_hosts=tuple(values("trusted-host")),
        constraints=tuple(Path(name) for name in values("constraint")),
    )


def _first(settings: Mapping[str, str], name: str) -> str:
    found = (settings.get(f"{section}.{name}") for section in (":env:", "download", "global"))
    return next((value for value in found if value is not None), "")
