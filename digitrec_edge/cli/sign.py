"""``digitrec-edge sign``."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digitrec_edge.cli import terminal

if TYPE_CHECKING:
    from digitrec_edge.artifact.signature import Sign


def sign(
    files: Annotated[list[Path], typer.Argument(help="Artifacts that digitrec-edge exported.", metavar="FILE...")],
    key: Annotated[Path, typer.Option(help="Private key, an elliptic-curve one in a PEM file.")],
) -> None:
    """Sign artifacts, so that a device can tell that they are yours: FILE.sig beside each, for verify --key.

    OpenSSF model-signing makes the signature, a Sigstore bundle. The password of an encrypted key is asked for, or
    taken from DIGITREC_KEY_PASSWORD. Needs model-signing, the extra sign.
    """
    signer = open_signer(key)
    for file in files:
        print(terminal.escaped(str(signer(file))))


def needed_signer(key: Path | None) -> "Sign | None":
    """Open a private key; None is none, but where this machine takes signed artifacts alone there must be one."""
    from digitrec_edge.artifact import signature

    if key is None and (public := signature.configured_key()):
        raise typer.BadParameter(
            f"this machine takes nothing that is not signed, checked with {public}: name the private key, --sign KEY",
            param_hint="--sign",
        )
    return open_signer(key) if key else None


def open_signer(key: Path) -> "Sign":
    """Open a private key, and ask for its password where it has one and the environment does not name it."""
    from digitrec_edge.artifact import signature

    password = os.environ.get(signature.PASSWORD_VARIABLE)
    if password is None and signature.needs_password(key) and sys.stdin.isatty():
        password = typer.prompt(f"password of {key}", hide_input=True, err=True)
    return signature.open_signer(key, password.encode() if password else None)
