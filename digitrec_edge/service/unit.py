"""A unit for systemd: the service in a sandbox, without rights, devices, homes or a way to anywhere else."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from digitrec_edge.service.settings import Settings

STATE = "digitrec-edge"
"""The folder below /var/lib that is the service's own."""

_LOCAL = "localhost"
_NETWORKS = "localhost 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 169.254.0.0/16 fc00::/7 fe80::/10"
"""Private addresses (RFC 1918, 3927, 4193)."""

_UNIT = """\
# {where}, written by digitrec-edge serve --print-unit.
# sudo cp {name} /etc/systemd/system/ && sudo systemctl enable --now {name}
[Unit]
Description=digitrec-edge: reads hand-written digits over HTTP
After=network.target

[Service]
Type=exec
ExecStart={command}
ExecReload=/bin/kill -HUP $MAINPID
Restart=on-failure
RestartSec=5
TimeoutStopSec=30
KillMode=mixed

# Who: a user that exists while it runs, and a folder of its own for the token and the collection.
DynamicUser=yes
StateDirectory={state}
StateDirectoryMode=0700
UMask=0077
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
PrivateUsers=yes

# What it sees: the system and itself, to read.
ProtectSystem=strict
ProtectHome=tmpfs
{binds}PrivateTmp=yes
PrivateDevices=yes
DevicePolicy=closed
PrivateIPC=yes
ProtectProc=invisible
ProcSubset=pid
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RemoveIPC=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM

# Whom it talks to.
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
IPAddressDeny=any
IPAddressAllow={networks}

# What it may take.
LimitNOFILE=4096
TasksMax=128
MemoryMax={memory_mib}M

[Install]
WantedBy=multi-user.target
"""


def unit(settings: Settings, arguments: Sequence[str], name: str) -> str:
    """Return the text of the unit.

    Args:
        settings: what the service is started with.
        arguments: of ``digitrec-edge serve``, with paths that hold in the sandbox.
        name: of the unit's file.
    """
    command = [sys.executable, "-m", "digitrec_edge", "serve", *arguments]
    places = [Path(sys.prefix), Path(sys.base_prefix), Path(__file__).parents[2], settings.artifact.parent]
    places += [path.parent for path in (settings.cert, settings.tls_key, settings.key) if path]
    binds = [str(path) for path in dict.fromkeys(one.absolute() for one in places) if not path.is_relative_to("/usr")]
    return _UNIT.format(
        where=f"/etc/systemd/system/{name}", name=name, command=" ".join(map(_quoted, command)), state=STATE,
        binds="".join(f"BindReadOnlyPaths={_quoted(path)}\n" for path in binds),
        networks=_NETWORKS if settings.lan else _LOCAL, memory_mib=256 + 256 * (settings.workers + 1),
    )  # fmt: skip


def _quoted(word: str) -> str:
    """Write a word as systemd reads it: ``%`` and ``$`` stand for themselves."""
    return shlex.quote(word).replace("%", "%%").replace("$", "$$")
