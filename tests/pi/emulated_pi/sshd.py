"""A real ssh server on 127.0.0.1 with throw-away keys, whose logins are the boards."""

import os
import shlex
import socket
import subprocess
import time
from pathlib import Path

from emulated_pi import needs

_CONFIGURATION = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized_keys
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
LogLevel VERBOSE
"""

_CLIENT = """\
Host {name}
    HostName 127.0.0.1
    Port {port}
    IdentityFile {key}
    IdentitiesOnly yes
    IdentityAgent none
    UserKnownHostsFile {folder}/known_hosts
    GlobalKnownHostsFile /dev/null
    HostKeyAlias {name}

"""


class Server:
    """sshd as a child process; ``environment()`` makes ``ssh`` see its hosts, and nothing of the user's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        _make_key(folder / "host_key")
        (folder / "authorized_keys").touch()
        (folder / "known_hosts").touch()
        (folder / "sshd_config").write_text(_CONFIGURATION.format(port=self.port, folder=folder))
        (folder / "bin").mkdir()
        client = folder / "bin" / "ssh"
        client.write_text(f'#!/bin/sh\nexec {needs.program("ssh")} -F {folder}/ssh_config "$@"\n')
        client.chmod(0o755)

    def start(self) -> None:
        """Start, and wait until it answers."""
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)  # sshd of a root wants it for its unprivileged part
        command = [needs.program("sshd"), "-D", "-e", "-f", str(self.folder / "sshd_config")]
        with (self.folder / "sshd.log").open("ab") as log:
            self._process = subprocess.Popen(command, stderr=log, stdin=subprocess.DEVNULL)
        end = time.monotonic() + 10
        while time.monotonic() < end:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise RuntimeError(f"sshd does not answer:\n{(self.folder / 'sshd.log').read_text()}")

    def stop(self) -> None:
        """Stop; connections that are open end, too."""
        if self._process:
            for session in self.sessions():
                session_end(session)
            self._process.terminate()
            self._process.wait(10)

    def add_host(self, name: str, login: list[str], *, port: int | None = None, authorised: bool = True) -> None:
        """Add a host: what its ssh login runs, with the command line that was asked for as the last argument."""
        key = self.folder / f"key-{name}"
        _make_key(key)
        script = self.folder / f"login-{name}.sh"
        script.write_text(f'exec {shlex.join(login)} "${{SSH_ORIGINAL_COMMAND:-exec /bin/sh}}"\n')
        public = key.with_suffix(".pub").read_text()
        if authorised:
            with (self.folder / "authorized_keys").open("a") as stream:
                stream.write(f'restrict,port-forwarding,command="sh {script}" {public}')
        host_key = (self.folder / "host_key.pub").read_text().split()
        with (self.folder / "known_hosts").open("a") as stream:
            stream.write(f"{name} {host_key[0]} {host_key[1]}\n")
        with (self.folder / "ssh_config").open("a") as stream:
            stream.write(_CLIENT.format(name=name, port=port or self.port, key=key, folder=self.folder))

    def forget(self, name: str, replacement: str | None = None) -> None:
        """Forget a host's key, or know another one instead."""
        known = self.folder / "known_hosts"
        lines = [line for line in known.read_text().splitlines() if not line.startswith(f"{name} ")]
        known.write_text("".join(f"{line}\n" for line in [*lines, *([f"{name} {replacement}"] if replacement else [])]))

    def environment(self) -> dict[str, str]:
        """Return the environment in which ``ssh`` is the client of this server."""
        return {**os.environ, "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}"}

    def sessions(self) -> list[int]:
        """Return the process ids of the open connections on the server's side."""
        if not self._process:
            return []
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text()
        return [int(pid) for pid in children.split()]


def session_end(pid: int) -> None:
    """Kill one connection's process and its unprivileged half, as a dying network or machine would."""
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        if "sshd" in Path(f"/proc/{child}/comm").read_text():
            os.kill(int(child), 9)
    os.kill(pid, 9)


def _make_key(path: Path) -> None:
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "throw-away", "-f", str(path)]
    subprocess.run(command, check=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
