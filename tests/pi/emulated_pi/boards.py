"""The boards: what a program sees of a Raspberry Pi, or of a RISC-V board, in /proc and /sys, and QEMU's CPU."""

from dataclasses import dataclass
from pathlib import Path

CORES = 4


@dataclass(frozen=True)
class Board:
    """A Raspberry Pi model.

    Attributes:
        name: what tests and tables call it.
        model: what the real board says of itself.
        cpu: QEMU's name of the core. Never ``max``: with QEMU 7.2 it gives wrong int8 answers.
        features, variant, part, cpu_revision, revision: as in the board's /proc/cpuinfo.
        max_khz, min_khz: clock.
        l1_data, l1_instructions, l2: cache sizes.
        l2_shared: whether all cores share the second level.
        named: whether programs see the model: QEMU writes /proc/cpuinfo of RISC-V itself.
    """

    name: str
    model: str
    cpu: str
    features: str
    variant: str
    part: str
    cpu_revision: int
    revision: str
    max_khz: int
    min_khz: int
    l1_data: str
    l1_instructions: str
    l2: str
    l2_shared: bool
    named: bool = True


PI4 = Board(
    name="pi4",
    model="Raspberry Pi 4 Model B Rev 1.4",
    cpu="cortex-a72",
    features="fp asimd evtstrm crc32 cpuid",
    variant="0x0",
    part="0xd08",
    cpu_revision=3,
    revision="c03114",
    max_khz=1_800_000,
    min_khz=600_000,
    l1_data="32K",
    l1_instructions="48K",
    l2="1024K",
    l2_shared=True,
)
PI5 = Board(
    name="pi5",
    model="Raspberry Pi 5 Model B Rev 1.0",
    cpu="cortex-a76",
    features=("fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp"),
    variant="0x4",
    part="0xd0b",
    cpu_revision=1,
    revision="d04170",
    max_khz=2_400_000,
    min_khz=1_500_000,
    l1_data="64K",
    l1_instructions="64K",
    l2="512K",
    l2_shared=False,
)
PI2 = Board(
    name="pi2",
    model="Raspberry Pi 2 Model B Rev 1.1",
    cpu="cortex-a7",
    features="half thumb fastmult vfp edsp neon vfpv3 tls vfpv4 idiva idivt vfpd32 lpae evtstrm",
    variant="0x0",
    part="0xc07",
    cpu_revision=5,
    revision="a01041",
    max_khz=900_000,
    min_khz=600_000,
    l1_data="32K",
    l1_instructions="32K",
    l2="512K",
    l2_shared=True,
)
RISCV = Board(
    name="riscv",
    model="StarFive VisionFive 2 v1.3B",
    cpu="rv64",
    features="rv64imafdc",
    variant="",
    part="",
    cpu_revision=0,
    revision="",
    max_khz=1_500_000,
    min_khz=375_000,
    l1_data="32K",
    l1_instructions="32K",
    l2="2048K",
    l2_shared=True,
    named=False,
)


def write_faces(board: Board, folder: Path) -> None:
    """Write the board's ``proc`` and ``sys`` files below ``folder``.

    The cpuinfo library inside onnxruntime and LiteRT reads them; with those of an x86 machine it dies of
    a segmentation fault.
    """
    _write(folder / "proc/cpuinfo", _cpuinfo(board))
    _write(folder / "proc/device-tree/model", f"{board.model}\0")
    cpus = folder / "sys/devices/system/cpu"
    for name in ("possible", "present", "online"):
        _write(cpus / name, f"0-{CORES - 1}\n")
    _write(cpus / "kernel_max", f"{CORES - 1}\n")
    for core in range(CORES):
        _write_core(board, core, cpus / f"cpu{core}")


def _cpuinfo(board: Board) -> str:
    if board is RISCV:
        return "".join(
            f"processor\t: {k}\nhart\t\t: {k}\nisa\t\t: {board.features}\nmmu\t\t: sv39\nuarch\t\t: sifive,u74-mc\n\n"
            for k in range(CORES)
        )
    core = "".join(
        f"{key}\t: {value}\n"
        for key, value in (
            ("BogoMIPS", "108.00"),
            ("Features", board.features),
            ("CPU implementer", "0x41"),
            ("CPU architecture", "7" if board is PI2 else "8"),
            ("CPU variant", board.variant),
            ("CPU part", board.part),
            ("CPU revision", board.cpu_revision),
        )
    )
    cores = "".join(f"processor\t: {k}\n{core}\n" for k in range(CORES))
    return f"{cores}Revision\t: {board.revision}\nSerial\t\t: 0000000000000000\nModel\t\t: {board.model}\n"


def _write_core(board: Board, core: int, folder: Path) -> None:
    everyone, alone = f"0-{CORES - 1}", str(core)
    for name, value in (
        ("cpufreq/cpuinfo_max_freq", board.max_khz),
        ("cpufreq/cpuinfo_min_freq", board.min_khz),
        ("cpufreq/scaling_cur_freq", board.max_khz),
        ("cpufreq/scaling_governor", "ondemand"),
        ("topology/physical_package_id", 0),
        ("topology/core_id", core),
        ("topology/core_siblings_list", everyone),
        ("topology/package_cpus_list", everyone),
        ("topology/cluster_cpus_list", everyone),
        ("topology/thread_siblings_list", alone),
        ("topology/core_cpus_list", alone),
    ):
        _write(folder / name, f"{value}\n")
    caches = (
        (1, "Data", board.l1_data, alone),
        (1, "Instruction", board.l1_instructions, alone),
        (2, "Unified", board.l2, everyone if board.l2_shared else alone),
    )
    for index, (level, kind, size, shared) in enumerate(caches):
        for name, value in (
            ("level", level),
            ("type", kind),
            ("size", size),
            ("shared_cpu_list", shared),
            ("coherency_line_size", 64),
        ):
            _write(folder / f"cache/index{index}/{name}", f"{value}\n")


def _write(path: Path, text: str) -> None:
    if path.exists() and path.read_text() == text:
        return  # a running board has it mounted
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
