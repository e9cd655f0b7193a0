"""Signatures: who made an artifact. The seal tells damage from accident, a signature tells one maker from another.

A signature is a Sigstore bundle beside the file, ``digitrec-int8.tflite.sig``, as OpenSSF model-signing writes and
reads it; that library is imported when a key is given, and never otherwise.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from digitrec_edge import pretrained
from digitrec_edge.artifact.container import Artifact, read, signature_path
from digitrec_edge.errors import KeyFileError, NotInstalledError, SignatureError
from digitrec_edge.files import read_file, readable, write_file
from digitrec_edge.pip_lines import install_extra
from digitrec_edge.records import load_json

KEY_VARIABLE = "DIGITREC_KEY"
PASSWORD_VARIABLE = "DIGITREC_KEY_PASSWORD"
KEY_FILE = "~/.config/digitrec-edge/public-key.pem"
"""The public key that every file must be signed with on this machine, unless the variable names another or none."""
_LIMIT_BYTES = 64 << 10
_NEEDED = "an elliptic-curve key (P-256, P-384 or P-521) in a PEM file is needed"
_REASONS = {"Key mismatch": "was made with another key than", "Signature mismatch": "is of another file; checked with"}
"""How model-signing begins its refusals, and what they mean here."""

Sign = Callable[[Path], Path]


def open_signer(key: Path, password: bytes | None = None) -> Sign:
    """Return a function that signs a file: it writes the signature beside it, atomically, and returns its path.

    Args:
        key: private key in a PEM file.
        password: of the key, where it is encrypted.

    Raises:
        NotInstalledError: model-signing is missing.
        KeyFileError: the key cannot be read or used; no file was touched.
    """
    library = _library()
    encrypted = needs_password(key)
    try:
        config = library.signing.Config().use_elliptic_key_signer(
            private_key=key, password=password if encrypted else None
        )
    except library.refusals as cause:
        # of 256 wrong passwords one decrypts it to something, which is then no key
        wrong = f"is encrypted, and {PASSWORD_VARIABLE} has not its password; if it has"
        raise KeyFileError(f"{key} {wrong if encrypted else 'cannot sign'}: {_NEEDED}, the private one") from cause

    def sign(path: Path) -> Path:
        if (name := readable(path.name)) != path.name:
            raise SignatureError(f"{name} cannot be signed: a signature holds the name, which is not UTF-8; rename it")
        with _copies(path, **{path.name: read(path).data}) as folder:
            config.sign(folder / path.name, folder / "bundle")
            write_file(signature_path(path), (folder / "bundle").read_bytes())
        return signature_path(path)

    return sign


def needs_password(key: Path) -> bool:
    """Whether a private key's PEM file says that it is encrypted.

    Raises:
        KeyFileError: the key cannot be read.
    """
    return b"ENCRYPTED" in read_file(key, limit_bytes=_LIMIT_BYTES, error=KeyFileError)


def configured_key() -> Path | None:
    """Return the public key that this machine's configuration names; None when it names none."""
    named = os.environ.get(KEY_VARIABLE)
    if named is not None:
        return Path(named) if named else None
    path = Path(os.path.expanduser(KEY_FILE))  # noqa: PTH111  where there is no home, it stays as it is
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        pass  # it is there and cannot be read: reading it says why
    return path


def check(found: Artifact, key: Path | None = None) -> str:
    """Hold an artifact's bytes to its signature, where a key asks for it, and say what is known.

    Args:
        found: the artifact as it was read.
        key: public key in a PEM file; None is the one that this machine's configuration names, which lets pass what
            is part of this digitrec-edge, too.

    Returns:
        ``signature fits KEY``, or ``not signed`` or ``signature not checked (--key)`` where there is no key.

    Raises:
        SignatureError: no signature, one by another key or of another file, or a damaged one.
        KeyFileError: the key cannot be read or used.
        NotInstalledError: there is a key, and model-signing is missing.
    """
    asked = key or configured_key()
    signed = os.path.lexists(signature_path(found.path))
    if asked is None:
        return "signature not checked (--key)" if signed else "not signed"
    if key is None and not signed and _is_pretrained(found.data):
        return "not signed, but part of this digitrec-edge"
    if not signed:
        raise SignatureError(
            f"{found.path} is not signed: {signature_path(found.path)} is missing, and {asked} is the key to check it "
            "with; sign it: digitrec-edge sign"
        )
    _verify(found, asked)
    return f"signature fits {asked}"


def _is_pretrained(data: bytes) -> bool:
    """Whether a file has the bytes of one that came with this package; its name and place say nothing."""
    return any(path.read_bytes() == data for path in pretrained.FOLDER.iterdir() if path.stat().st_size == len(data))


def _verify(found: Artifact, key: Path) -> None:
    library, beside = _library(), signature_path(found.path)
    public = read_file(key, limit_bytes=_LIMIT_BYTES, error=KeyFileError)
    bundle = read_file(beside, limit_bytes=_LIMIT_BYTES, error=SignatureError)
    damaged = f"{beside} is no signature that can be read; sign the file again: digitrec-edge sign"
    try:
        hint = load_json(bundle)["verificationMaterial"]["publicKey"]["hint"]
    except (ValueError, LookupError, TypeError) as cause:
        raise SignatureError(damaged) from cause
    if not hint:  # by a release before 1.0; model-signing would print a warning
        raise SignatureError(f"{beside} does not say which key it was made with; sign the file again")
    with _copies(found.path, model=found.data, bundle=bundle, key=public) as folder:
        try:
            config = library.verifying.Config().use_elliptic_key_verifier(public_key=folder / "key")
        except library.refusals as cause:
            raise KeyFileError(f"{key} cannot check signatures: {_NEEDED}, the public one") from cause
        try:
            config.verify(folder / "model", folder / "bundle")
        except library.InvalidSignature as cause:
            raise SignatureError(f"{beside} is forged or damaged: it does not fit {key}") from cause
        except library.refusals as cause:
            meanings = [words for mark, words in _REASONS.items() if str(cause).startswith(mark)]
            raise SignatureError(f"{beside} {meanings[0]} {key}" if meanings else damaged) from cause


@contextmanager
def _copies(path: Path, /, **contents: bytes) -> Iterator[Path]:
    """Yield a folder with these files: model-signing takes paths, and what it sees must be what was read."""
    import tempfile

    try:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            for file_name, data in contents.items():
                (folder / file_name).write_bytes(data)
            yield folder
    except OSError as cause:
        raise SignatureError(f"the signature of {path} needs a temporary folder: {cause.strerror}") from cause


def _library() -> Any:
    """Return what is used of model-signing and cryptography, as one namespace."""
    try:
        import model_signing.signing
        import model_signing.verifying
        from cryptography import exceptions
    except ImportError as cause:
        raise NotInstalledError(
            f"signatures need {cause.name or 'model-signing'}, which is not installed: {install_extra('sign')}"
        ) from cause

    class Namespace:
        signing, verifying = model_signing.signing, model_signing.verifying
        InvalidSignature = exceptions.InvalidSignature
        refusals = (ValueError, TypeError, LookupError, AttributeError, exceptions.UnsupportedAlgorithm)

    return Namespace
