"""A real mosquitto for tests, on a free port of loopback, with a login, and TLS by a certificate made for the test."""

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

USER, PASSWORD = "watcher", "s3cret"
DAY = ["-days", "1"]


def find_mosquitto() -> str | None:
    """Return the path of an installed mosquitto."""
    return shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")


@dataclass
class Mosquitto:
    """A broker that can be stopped and started again on the same port."""

    program: str
    folder: Path
    port: int
    tls: bool
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def ca(self) -> Path:
        return self.folder / "ca.pem"

    def start(self) -> None:
        self.process = subprocess.Popen(
            [self.program, "-c", str(self.folder / "mosquitto.conf")],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        end = time.monotonic() + 60
        while time.monotonic() < end:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            assert self.process.poll() is None, "mosquitto ended"
            time.sleep(0.02)
        raise TimeoutError("mosquitto does not listen")

    def stop(self) -> None:
        """End it; a signal between its first connection and the loop that serves it is lost, so it is sent again."""
        for _ in range(60):
            if self.process:
                self.process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.process.wait(1)
                    self.process = None
        assert not self.process, "mosquitto does not end"


@contextlib.contextmanager
def broker(program: str, folder: Path, *, tls: bool = False) -> Iterator[Mosquitto]:
    """Start a broker that wants a login."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    made = Mosquitto(program, folder, port, tls)
    passwords = folder / "passwords"
    passwords.write_text(f"{USER}:{PASSWORD}\n")
    passwords.chmod(0o600)
    subprocess.run(["mosquitto_passwd", "-U", str(passwords)], check=True, capture_output=True)
    passwords.chmod(0o644)  # mosquitto gives up root before it reads them
    folder.chmod(0o755)
    lines = [f"listener {port} 127.0.0.1", "allow_anonymous false", f"password_file {passwords}", "user root"]
    if tls:
        _certify(folder)
        lines += [f"certfile {folder / 'server.pem'}", f"keyfile {folder / 'server.key'}", f"cafile {made.ca}"]
    (folder / "mosquitto.conf").write_text("\n".join([*lines, ""]))
    try:
        made.start()
        yield made
    finally:
        made.stop()


def _certify(folder: Path) -> None:
    """Make a certificate authority, and by it a certificate for localhost."""

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    new = ["req", "-newkey", "rsa:2048", "-nodes"]
    openssl(*new, "-x509", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=test", *DAY)
    openssl(*new, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost")
    (folder / "names").write_text("subjectAltName=DNS:localhost\n")
    signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names", "-out", "server.pem"]
    openssl("x509", "-req", "-in", "server.csr", *signed, *DAY)
