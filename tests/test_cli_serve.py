"""``digitrec-edge serve``: wrong usage is one line, and what a terminal is shown leads to the service."""

import datetime
import http.client
import inspect
import json
import os
import pty
import re
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

from digitrec_edge import mnist
from digitrec_edge.cli import serve as command
from digitrec_edge.cli.options import MB
from digitrec_edge.collection import Collection
from digitrec_edge.service.settings import Settings
from tests.collected import kept
from tests.serving import LIMIT_S, png, serving

Cli = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--keep", "some"], "'some' is no rule"),
        (["--keep-mb", "5"], "nothing is: add --keep unsure"),
        (["--keep", "none", "--keep-mb", "5"], "nothing is: add --keep unsure"),
        (["--port", "70000"], "70000"),
        (["--runtime", "none"], "none"),
        (["--tls", "cert.pem"], "--tls"),
        (["--name", "http://meter.local"], "'http://meter.local' is no name or address"),
        (["--name", "fd00::1", "--name", "192.168.1.7:8028"], "'192.168.1.7:8028' is no name or address"),
    ],
)
def test_wrong_usage_is_status_2(cli: Cli, tmp_path: Path, arguments: list[str], words: str) -> None:
    done = cli("serve", *arguments, cwd=tmp_path, ok=False)
    assert done.returncode == 2
    assert words in done.stderr
    assert [*tmp_path.iterdir()] == []


def test_defaults_are_those_of_the_settings() -> None:
    defaults = {name: one.default for name, one in inspect.signature(command.serve).parameters.items()}
    given = Settings(Path("model.tflite"))
    assert (defaults["port"], defaults["runtime"], command.KEEP_MB * MB) == (
        given.port,
        given.runtime,
        given.keep_bytes,
    )
    assert (defaults["max_body_mb"] * MB, defaults["max_connections"]) == (
        given.limits.body_bytes, given.limits.connections,
    )  # fmt: skip


def test_the_least_that_keep_mb_takes_is_enough_for_a_collection(tmp_path: Path) -> None:
    with Collection(tmp_path / "c.sqlite", 1 * MB) as collection:
        assert collection.keep(kept(1))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["missing.tflite"], "no such file"),
        (["--tls", "cert.pem", "key.pem"], "no such file: cert.pem"),
        (["--tls", "text.txt", "text.txt"], "--tls: text.txt is no certificate in a PEM file"),
        (["--token-file", "."], "directory"),
        (["--keep", "all", "--collection", "text.txt"], "text.txt"),
        (["--collection", "text.txt"], "text.txt is not a collection"),
        (["--collection", "missing.sqlite"], "no such collection: missing.sqlite; --keep unsure begins one"),
    ],
)
def test_what_cannot_be_served_is_one_line_and_status_1(
    cli: Cli, tmp_path: Path, arguments: list[str], words: str
) -> None:
    (tmp_path / "text.txt").write_text("no collection\n" * 1000)
    done = cli("serve", "--port", "0", "--runtime", "native", "--workers", "1", *arguments, cwd=tmp_path, ok=False)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert words in last
    assert "stopped serving" not in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_that_is_taken_is_told(cli: Cli) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = cli("serve", "--port", str(taken.getsockname()[1]), ok=False)
    assert done.returncode == 1
    assert "Address already in use; choose another: --port" in done.stderr


def test_a_missing_extra_is_told_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    from digitrec_edge.cli.serve import _need_extra
    from digitrec_edge.errors import NotInstalledError

    monkeypatch.setitem(sys.modules, "segno", None)
    with pytest.raises(
        NotInstalledError, match=r"serve needs segno, which is not installed: .*pip install .*(serve|segno)"
    ):
        _need_extra()


def test_a_terminal_is_shown_a_link_and_a_code_that_let_in(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "digitrec_edge", "serve", "--port", "0", "--runtime", "native", "--workers", "1"]
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*command, "--token-file", str(tmp_path / "token")], stdout=theirs, stderr=subprocess.DEVNULL
    )
    os.close(theirs)
    try:
        shown, read = "", b""
        while "\n" not in shown or shown.count("\u2580") + shown.count("\u2584") < 100:
            read += os.read(ours, 4096)
            shown = read.decode(errors="ignore")  # a letter may be read in halves
        link = re.search(r"http://127\.0\.0\.1:(\d+)(/\?token=[\w-]+)", shown)
        assert link
        connection = http.client.HTTPConnection("127.0.0.1", int(link[1]), timeout=LIMIT_S)
        connection.request("GET", link[2])
        entered = connection.getresponse()
        entered.read()
        connection.request("GET", "/v1/card", headers={"Cookie": entered.headers["Set-Cookie"].split(";")[0]})
        assert connection.getresponse().status == 200
        connection.close()
    finally:
        process.terminate()
        process.wait(LIMIT_S)
        os.close(ours)


@pytest.mark.parametrize("keep", [[], ["--keep", "none"]], ids=["no rule", "none"])
def test_a_collection_that_came_home_is_corrected_and_nothing_is_added_or_goes(tmp_path: Path, keep: list[str]) -> None:
    path = tmp_path / "home.sqlite"
    with Collection(path) as collection:
        names = collection.keep_all([kept(k) for k in range(30)])
    with serving("--collection", path, *keep, "--runtime", "native", "--workers", "1") as service:
        assert service.get("/review").status == 200
        assert service.get("/v1/collection").json["all"] == 30
        answer = service.read(png(mnist.load("test").images[8])).json
        assert "kept" not in answer
        said = json.dumps({"id": names[4], "digit": 2}).encode()
        assert service.ask("POST", "/v1/collection/correct", said, Content_Type="application/json").status == 200
    with Collection(path) as collection:
        assert [item.id for item in collection.everything()] == names
        assert [item.id for item in collection.items(corrected=True)] == [names[4]]


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for localhost, and its key."""
    pytest.importorskip("cryptography")
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - datetime.timedelta(1)).not_valid_after(now + datetime.timedelta(1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    cert, secret = folder / "cert.pem", folder / "key.pem"
    cert.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return cert, secret


def test_a_key_that_is_none_is_told_apart_from_its_certificate(cli: Cli, tmp_path: Path) -> None:
    cert, _ = certificate(tmp_path)
    done = cli("serve", "--port", "0", "--tls", cert, cert, ok=False)
    assert done.returncode == 1
    assert f"{cert} is no PEM file with the private key of {cert}" in done.stderr


def test_https_reads_too(tmp_path: Path) -> None:
    cert, secret = certificate(tmp_path)
    with serving("--tls", cert, secret, "--runtime", "native", "--workers", "1") as service:
        assert service.address.startswith("https://")
        context = ssl.create_default_context(cafile=str(cert))
        connection = http.client.HTTPSConnection("localhost", service.place[1], timeout=LIMIT_S, context=context)
        connection.request("POST", "/v1/read", png(mnist.load("test").images[0]))
        assert json.loads(connection.getresponse().read())["digit"] == 7
        connection.close()
