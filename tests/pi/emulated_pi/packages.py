"""Debian packages of another architecture and suite, through a private apt state; the machine's is not touched."""

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

_LEFT_OUT = ("./usr/share/doc/*", "./usr/share/man/*", "./usr/share/locale/*", "./usr/share/info/*")


def unpack(root: Path, scratch: Path, architecture: str, suite: str, names: Sequence[str]) -> int:
    """Fetch packages with all that they depend on and unpack them into ``root``.

    Their maintainer scripts do not run: nothing is configured, which a root file system for one Python
    does not need.

    Returns:
        How many packages that are.
    """
    configuration = _private_state(scratch, architecture, suite)
    environment = {**os.environ, "APT_CONFIG": str(configuration)}
    for command in (["update"], ["install", "--download-only", "--yes", *names]):
        done = subprocess.run(["apt-get", "-q", *command], env=environment, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"apt-get {command[0]} for {architecture} {suite} failed:\n{done.stderr.strip()}")
    for folder in ("bin", "sbin", "lib"):  # merged /usr
        (root / "usr" / folder).mkdir(parents=True, exist_ok=True)
        (root / folder).symlink_to(f"usr/{folder}")
    archives = sorted((scratch / "cache/archives").glob("*.deb"))
    for archive in archives:
        _extract(archive, root)
    return len(archives)


def _extract(archive: Path, root: Path) -> None:
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", archive], stdout=subprocess.PIPE) as source:
        excluded = [f"--exclude={pattern}" for pattern in _LEFT_OUT]
        subprocess.run(
            ["tar", "-x", "-C", root, "--keep-directory-symlink", "--no-same-owner", *excluded],
            stdin=source.stdout,
            check=True,
        )
    if source.returncode:
        raise RuntimeError(f"{archive.name} cannot be unpacked")


def _private_state(scratch: Path, architecture: str, suite: str) -> Path:
    for folder in ("lists/partial", "cache/archives/partial", "empty"):
        (scratch / folder).mkdir(parents=True, exist_ok=True)
    (scratch / "status").touch()
    sources = scratch / "sources.list"
    sources.write_text("".join(f"deb {options}{uri} {suite} main\n" for options, uri in _mirrors()))
    configuration = scratch / "apt.conf"
    configuration.write_text(
        f"""\
APT::Architecture "{architecture}";
APT::Architectures {{ "{architecture}"; }};
APT::Install-Recommends "false";
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Retries "3";
Dir::State "{scratch}";
Dir::State::lists "{scratch}/lists";
Dir::State::status "{scratch}/status";
Dir::Cache "{scratch}/cache";
Dir::Cache::archives "{scratch}/cache/archives";
Dir::Etc::SourceList "{sources}";
Dir::Etc::SourceParts "{scratch}/empty";
"""
    )
    return configuration


def _mirrors() -> list[tuple[str, str]]:
    """Return (options, URI) of each place that this machine has Debian's own main suite from."""
    codename = _codename()
    form = "$(REPO_URI) $(RELEASE) $(COMPONENT)"
    done = subprocess.run(
        ["apt-get", "indextargets", "--format", form, "Created-By: Packages"],
        capture_output=True,
        text=True,
        check=True,
    )
    rows = [line.split() for line in done.stdout.splitlines()]
    uris = sorted({row[0] for row in rows if row[1:] == [codename, "main"]})
    if not uris:
        raise RuntimeError(f"this machine's apt sources name no Debian {codename!r} main suite to take packages from")
    keyring = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
    options = f"[signed-by={keyring}] " if keyring.exists() else ""
    return [(options, uri) for uri in uris]


def _codename() -> str:
    found = re.search(r"^VERSION_CODENAME=(\S+)$", Path("/etc/os-release").read_text(), re.MULTILINE)
    if not found:
        raise RuntimeError("/etc/os-release has no VERSION_CODENAME: a Debian release is needed")
    return found[1]
