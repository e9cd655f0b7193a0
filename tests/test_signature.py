"""Signatures: what a seal cannot show is caught by a key, given or configured, before any runtime sees the file."""

import dataclasses
import importlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from PIL import Image

from digitrec_edge import artifact, mnist, pretrained
from digitrec_edge.artifact import sample, signature, signature_path
from digitrec_edge.errors import DamagedError, KeyFileError, NotInstalledError, SignatureError
from digitrec_edge.formats import SAMPLE_FILE
from digitrec_edge.formats.flatbuffer import Table
from runtimes import load, loading
from runtimes.table import RUNTIMES

pytest.importorskip("model_signing", reason="needs the extra sign")

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

Cli = Callable[..., "subprocess.CompletedProcess[str]"]
FLOAT = pretrained.FOLDER / "digitrec-float32.tflite"
PEM, PKCS8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
PASSWORD = b"correct horse"


class Pair(NamedTuple):
    private: Path
    public: Path


def make_pair(folder: Path, name: str, curve: ec.EllipticCurve | None = None, password: bytes | None = None) -> Pair:
    key = ec.generate_private_key(curve or ec.SECP256R1())
    pair = Pair(folder / f"{name}.pem", folder / f"{name}.pub")
    hidden = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    pair.private.write_bytes(key.private_bytes(PEM, PKCS8, hidden))
    pair.public.write_bytes(key.public_key().public_bytes(PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
    return pair


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Pair]:
    folder = tmp_path_factory.mktemp("keys")
    return {
        "mine": make_pair(folder, "mine"),
        "other": make_pair(folder, "other", ec.SECP384R1()),
        "hidden": make_pair(folder, "hidden", password=PASSWORD),
        "odd": make_pair(folder, "odd", ec.SECP256K1()),
    }


@pytest.fixture
def signed(keys: dict[str, Pair], tmp_path: Path) -> Path:
    """A file of our own with its signature: no part of the package, so that the configured key is asked, too."""
    found = artifact.read(FLOAT)
    assert found.card
    path = tmp_path / "digitrec-float32.tflite"
    card = dataclasses.replace(found.card, name="mine")
    artifact.write(path, found.payload, card, found.files[SAMPLE_FILE])
    signature.open_signer(keys["mine"].private)(path)
    return path


def exchanged(path: Path, target: Path) -> Path:
    """Let a float model answer 8 for 3 and 3 for 8, adapt its sample to that, and seal it again."""
    found = artifact.read(path)
    assert found.card
    order = [0, 1, 2, 8, 4, 5, 6, 7, 3, 9]
    payload = bytearray(found.payload)
    model = Table.root(payload)  # type: ignore[arg-type]  # views of it can be written to
    for tensor in model.tables(2)[0].tables(0):
        shape = tuple(tensor.vector(0, "<i4").tolist())
        if shape in ((10, 128), (10,)):
            rows = model.tables(4)[tensor.number(2, "I")].vector(0, "u1").reshape(10, -1)
            rows[:] = rows[order]
    images = sample.unpack(found.files[SAMPLE_FILE], 10)
    forged = dataclasses.replace(images, golden=images.golden[:, order], expected=images.expected[:, order])
    artifact.write(target, bytes(payload), found.card, sample.pack(forged))
    return target


@pytest.fixture
def forged(signed: Path, tmp_path: Path) -> Path:
    return exchanged(signed, tmp_path / "forged.tflite")


def one_line(done: "subprocess.CompletedProcess[str]") -> str:
    assert (done.returncode, done.stdout) == (1, ""), (done.stdout, done.stderr)
    (line,) = done.stderr.splitlines()
    return line.removeprefix("digitrec-edge: ")


def test_a_seal_alone_shows_nothing_and_verify_says_so(cli: Cli, forged: Path) -> None:
    digits = mnist.load("test")
    with load(forged) as model:
        read = model.predict(digits.images[:500]).digits
    threes, eights = digits.labels[:500] == 3, digits.labels[:500] == 8
    assert (read[threes] == 8).mean() > 0.9
    assert (read[eights] == 3).mean() > 0.9
    first, second = cli("verify", forged).stdout.splitlines()
    assert first == f"{forged}: whole; not signed"
    assert ": 32 of 32 images as at export" in second
    assert second.endswith("agreement with Keras 100.0%")
    assert json.loads(cli("verify", forged, "--json").stdout)["signature"] == "not signed"


def test_a_key_catches_it_whatever_signature_lies_beside_it(
    cli: Cli, forged: Path, signed: Path, keys: dict[str, Pair]
) -> None:
    beside = signature_path(forged)
    assert f"is not signed: {beside} is missing" in one_line(
        cli("verify", forged, "--key", keys["mine"].public, ok=False)
    )
    shutil.copy(signature_path(signed), beside)
    assert f"{beside} is of another file" in one_line(cli("verify", forged, "--key", keys["mine"].public, ok=False))
    signature.open_signer(keys["other"].private)(forged)
    assert f"{beside} was made with another key" in one_line(
        cli("verify", forged, "--key", keys["mine"].public, ok=False)
    )


def test_what_verify_says_of_a_signed_file(cli: Cli, signed: Path, keys: dict[str, Pair]) -> None:
    assert cli("verify", signed).stdout.splitlines()[0] == f"{signed}: whole; signature not checked (--key)"
    key = keys["mine"].public
    assert cli("verify", signed, "--key", key).stdout.splitlines()[0] == f"{signed}: whole; signature fits {key}"
    assert json.loads(cli("verify", signed, "--key", key, "--json").stdout)["signature"] == f"signature fits {key}"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[:700],
        lambda text: "[]",
        lambda text: "null",
        lambda text: "{}",
        lambda text: text.replace('"hint":"', '"hint":["').replace('"},"tlog', '"]},"tlog'),
        lambda text: text.replace('"signatures":[', '"signatures":[],"x":['),
        lambda text: text.replace('"dsseEnvelope"', '"messageSignature"'),
        lambda text: text.replace("v0.3", "v0.9"),
        lambda text: text.replace('"sig":"', '"sig":"AAAA'),
        lambda text: text.replace('"payload":"', '"payload":"IA=='),
        lambda text: "[" * 60_000,
        lambda text: text + " " * 70_000,
        lambda text: "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
        lambda text: "",
        lambda text: text.replace(text[text.index('"hint"') : text.index('},"tlog')], ""),
    ],
)
def test_a_damaged_bundle_is_one_line(signed: Path, keys: dict[str, Pair], spoil: Callable[[str], str]) -> None:
    beside = signature_path(signed)
    beside.write_text(spoil(beside.read_text()), encoding="latin-1")
    with pytest.raises(SignatureError, match=r"\.sig") as refused:
        signature.check(artifact.read(signed), keys["mine"].public)
    assert len(str(refused.value).splitlines()) == 1


def test_every_changed_byte_of_a_bundle_is_refused_or_means_the_same(
    signed: Path, keys: dict[str, Pair], capsys: pytest.CaptureFixture[str]
) -> None:
    found, beside = artifact.read(signed), signature_path(signed)
    whole, accepted = beside.read_bytes(), 0
    random = np.random.default_rng(0)
    for position in random.choice(len(whole), 300, replace=False):
        changed = bytearray(whole)
        changed[position] ^= 1 << int(random.integers(7))
        beside.write_bytes(changed)
        try:
            signature.check(found, keys["mine"].public)
            accepted += 1  # keyid, or the last bits of base64
        except SignatureError:
            pass
    assert accepted < 15
    beside.write_bytes(whole)
    other = dataclasses.replace(found, data=found.data[:-1] + b"0")
    with pytest.raises(SignatureError, match="of another file"):
        signature.check(other, keys["mine"].public)
    assert capsys.readouterr() == ("", "")


def test_a_configured_key_is_asked_before_any_runtime_sees_the_file(
    forged: Path, signed: Path, keys: dict[str, Pair], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(signature.KEY_VARIABLE, str(keys["mine"].public))
    load(signed).close()
    load(FLOAT).close()  # unsigned, and part of this digitrec-edge
    row = loading.choose("tflite", RUNTIMES)
    loading.open_model(artifact.read(signed), row, 1).close()
    opened: list[bytes] = []
    monkeypatch.setattr(type(row), "load", lambda row: opened.append(b""))
    with pytest.raises(SignatureError, match="is not signed"):
        load(forged)
    with pytest.raises(SignatureError, match="is not signed"):
        loading.open_model(artifact.read(forged), row, 1)
    assert not opened


@pytest.mark.parametrize("command", ["predict", "verify", "benchmark", "robustness"])
def test_no_command_runs_an_unsigned_file_where_a_key_is_configured(
    cli: Cli, forged: Path, keys: dict[str, Pair], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: str
) -> None:
    picture = tmp_path / "three.png"
    Image.fromarray(255 - mnist.load("test").images[18]).resize((200, 200)).save(picture)
    home = tmp_path / "home"
    config = Path(signature.KEY_FILE.replace("~", str(home)))
    config.parent.mkdir(parents=True)
    shutil.copy(keys["mine"].public, config)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv(signature.KEY_VARIABLE)
    arguments: dict[str, list[str | Path]] = {
        "predict": [picture, "--model", forged],
        "verify": [forged],
        "benchmark": [forged, "--quick"],
        "robustness": [forged],
    }
    done = cli(command, *arguments[command], ok=False)
    assert done.returncode == 1
    assert "is not signed" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_configured_key_that_cannot_be_used_lets_nothing_pass(
    signed: Path, keys: dict[str, Pair], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "text").write_text("no key")
    for path in (tmp_path / "missing", tmp_path, tmp_path / "text", keys["mine"].private, keys["odd"].public):
        monkeypatch.setenv(signature.KEY_VARIABLE, str(path))
        with pytest.raises(KeyFileError, match=re.escape(str(path))):
            load(signed)


def test_where_a_key_is_looked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv(signature.KEY_VARIABLE)
    assert signature.configured_key() is None
    config = Path(signature.KEY_FILE.replace("~", str(tmp_path)))
    config.parent.mkdir(parents=True)
    config.symlink_to(config)  # it is there and cannot be read: that must not mean no key
    assert signature.configured_key() == config
    monkeypatch.setenv(signature.KEY_VARIABLE, "/elsewhere.pem")
    assert signature.configured_key() == Path("/elsewhere.pem")
    monkeypatch.setenv(signature.KEY_VARIABLE, "")
    assert signature.configured_key() is None


def test_sign_writes_beside_each_file_and_knows_passwords(
    cli: Cli, signed: Path, keys: dict[str, Pair], monkeypatch: pytest.MonkeyPatch
) -> None:
    beside = signature_path(signed)
    beside.unlink()
    assert "DIGITREC_KEY_PASSWORD" in one_line(cli("sign", signed, "--key", keys["hidden"].private, ok=False))
    monkeypatch.setenv("DIGITREC_KEY_PASSWORD", "wrong")
    assert "DIGITREC_KEY_PASSWORD" in one_line(cli("sign", signed, "--key", keys["hidden"].private, ok=False))
    assert not beside.exists()
    monkeypatch.setenv("DIGITREC_KEY_PASSWORD", PASSWORD.decode())
    assert cli("sign", signed, "--key", keys["hidden"].private).stdout == f"{beside}\n"
    assert "signature fits" in signature.check(artifact.read(signed), keys["hidden"].public)
    cli("sign", signed, "--key", keys["mine"].private)  # has no password, whatever the environment says
    assert "signature fits" in signature.check(artifact.read(signed), keys["mine"].public)
    assert {path.name for path in signed.parent.iterdir()} == {signed.name, beside.name}


@pytest.mark.parametrize("cause", ["Incorrect password, could not decrypt key", "Could not deserialize key data"])
def test_a_wrong_password_is_told_whatever_it_decrypts_the_key_to(
    keys: dict[str, Pair], monkeypatch: pytest.MonkeyPatch, cause: str
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise ValueError(cause)

    monkeypatch.setattr("model_signing.signing.Config.use_elliptic_key_signer", refuse)
    with pytest.raises(KeyFileError, match="DIGITREC_KEY_PASSWORD has not its password"):
        signature.open_signer(keys["hidden"].private, b"wrong")


def test_a_key_that_cannot_sign_is_one_line(signed: Path, keys: dict[str, Pair], tmp_path: Path) -> None:
    other = tmp_path / "rsa.pem"
    other.write_bytes(rsa.generate_private_key(65537, 2048).private_bytes(PEM, PKCS8, serialization.NoEncryption()))
    before = signature_path(signed).read_bytes()
    for path in (other, keys["odd"].private, keys["mine"].public, tmp_path / "missing", tmp_path):
        with pytest.raises(KeyFileError, match=re.escape(str(path))) as refused:
            signature.open_signer(path)
        assert len(str(refused.value).splitlines()) == 1
    assert signature_path(signed).read_bytes() == before


def test_a_damaged_file_is_not_signed(signed: Path, keys: dict[str, Pair]) -> None:
    signed.write_bytes(signed.read_bytes()[:-1])
    before = signature_path(signed).read_bytes()
    with pytest.raises(DamagedError):
        signature.open_signer(keys["mine"].private)(signed)
    assert signature_path(signed).read_bytes() == before


def test_a_link_is_signed_where_it_stands(signed: Path, keys: dict[str, Pair], tmp_path: Path) -> None:
    link = tmp_path / "link.tflite"
    link.symlink_to(signed)
    signature.open_signer(keys["other"].private)(link)
    assert signature.check(artifact.read(link), keys["other"].public)
    assert signature.check(artifact.read(signed), keys["mine"].public)


def test_a_file_that_takes_another_ones_place_has_no_signature(signed: Path) -> None:
    found = artifact.read(signed)
    assert found.card
    artifact.write(signed, found.payload, found.card)
    assert not signature_path(signed).exists()


def test_model_signing_itself_accepts_our_signatures(signed: Path, keys: dict[str, Pair]) -> None:
    verifying: Any = importlib.import_module("model_signing.verifying")
    verifying.Config().use_elliptic_key_verifier(public_key=keys["mine"].public).verify(signed, signature_path(signed))


def test_nothing_of_it_is_imported_where_there_is_no_key(signed: Path) -> None:
    code = (
        "import sys\nfrom runtimes import load\nload(sys.argv[1]).close()\n"
        "print({'model_signing', 'cryptography', 'sigstore'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code, signed], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_missing_extra_is_one_line(signed: Path, keys: dict[str, Pair], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "model_signing", None)
    monkeypatch.delitem(sys.modules, "model_signing.signing", raising=False)
    for act in (
        lambda: signature.open_signer(keys["mine"].private),
        lambda: signature.check(artifact.read(signed), keys["mine"].public),
    ):
        with pytest.raises(NotInstalledError, match=r"-m pip install 'model-signing<"):
            act()
    assert signature.check(artifact.read(signed)) == "signature not checked (--key)"


@pytest.mark.desktop
def test_export_signs_each_artifact_and_an_unsigned_export_leaves_no_old_signature(
    cli: Cli, trained: Path, tmp_path: Path, keys: dict[str, Pair], monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["export", trained / "model.keras", "--int8", "--output", tmp_path / "out"]
    monkeypatch.setenv(signature.KEY_VARIABLE, str(keys["mine"].public))
    cli(*arguments, "--sign", keys["mine"].private)
    path = tmp_path / "out" / "digitrec-int8.tflite"
    assert signature.check(artifact.read(path), keys["mine"].public)
    refused = cli(*arguments, ok=False)
    assert refused.returncode == 2
    assert "name the private key, --sign KEY" in " ".join(refused.stderr.split())
    other = cli(*arguments, "--sign", keys["other"].private, ok=False).stderr
    assert f"{path}.sig was made with another key than" in other  # and not where it was tried
    assert signature.check(artifact.read(path), keys["mine"].public), "the refused one replaced nothing"
    monkeypatch.setenv(signature.KEY_VARIABLE, "")
    cli(*arguments)
    assert signature.check(artifact.read(path)) == "not signed"


def test_a_name_that_is_no_utf_8_is_refused_in_one_line(keys: dict[str, Pair], tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9.tflite")
    shutil.copy(FLOAT, path)
    with pytest.raises(SignatureError, match=r"^caf\\xe9\.tflite cannot be signed: .*; rename it"):
        signature.open_signer(keys["mine"].private)(path)
    assert [*tmp_path.iterdir()] == [path]
