"""benchmarks.measure.environment and affinity: what a machine says of itself, read from a made-up /proc and /sys."""

import os
import sys
from pathlib import Path

import pytest

from benchmarks.measure.affinity import bound_to, choose_cpus, current_cpus
from benchmarks.measure.environment import describe_condition, describe_environment, read_throttled


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.fixture
def pi(tmp_path: Path) -> Path:
    cpufreq = "sys/devices/system/cpu/cpu{}/cpufreq/{}"
    files = {
        "proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4\0",
        "proc/cpuinfo": "processor\t: 0\nFeatures\t: fp asimd evtstrm crc32 cpuid\n"
        "CPU implementer\t: 0x41\nCPU part\t: 0xd08\n\n"
        "Hardware\t: BCM2835\nRevision\t: c03114\nModel\t\t: Raspberry Pi 4 Model B Rev 1.4\n",
        "proc/loadavg": "0.42 0.30 0.20 1/100 1234\n",
        "sys/class/thermal/thermal_zone0/temp": "48312\n",
        "sys/class/thermal/thermal_zone1/temp": "51000\n",
    }
    for k in range(4):
        files |= {
            cpufreq.format(k, "scaling_governor"): "ondemand\n",
            cpufreq.format(k, "scaling_cur_freq"): f"{600000 + 400000 * k}\n",
            cpufreq.format(k, "cpuinfo_min_freq"): "600000\n",
            cpufreq.format(k, "cpuinfo_max_freq"): "1800000\n",
        }
    return write(tmp_path, files)


def test_a_pi_names_its_board_cpu_features_and_governor(pi: Path) -> None:
    environment = describe_environment(pi)
    assert environment.board == environment.device == "Raspberry Pi 4 Model B Rev 1.4"
    assert environment.cpu == "Cortex-A72"
    assert environment.features == ("NEON",)
    assert environment.governor == "ondemand"
    assert (environment.frequency_min_mhz, environment.frequency_max_mhz) == (600, 1800)
    assert environment.memory_bytes


def test_cores_with_different_governors_name_both(pi: Path) -> None:
    write(pi, {"sys/devices/system/cpu/cpu3/cpufreq/scaling_governor": "performance\n"})
    assert describe_environment(pi).governor == "ondemand+performance"


def test_an_arm_core_without_a_name_is_known_by_its_part_number(tmp_path: Path) -> None:
    write(tmp_path, {"proc/cpuinfo": "processor : 0\nCPU implementer : 0x41\nCPU part : 0xd0b\n"})
    environment = describe_environment(tmp_path)
    assert environment.cpu == "Cortex-A76"
    assert environment.device == "Cortex-A76"


def test_the_condition_of_a_pi(pi: Path) -> None:
    condition = describe_condition(1.5, pi)
    assert condition.at_s == 1.5
    assert condition.frequency_mhz == 1200
    assert condition.temperature_c == 51.0
    assert condition.load_1m == 0.42


def test_a_machine_that_tells_nothing_is_described_all_the_same(tmp_path: Path) -> None:
    environment = describe_environment(tmp_path)
    assert environment.board is None
    assert environment.governor is None
    assert environment.cpu
    condition = describe_condition(0.0, tmp_path)
    assert (condition.frequency_mhz, condition.temperature_c, condition.load_1m) == (None, None, None)


def test_versions_name_numpy_and_leave_out_what_is_not_installed() -> None:
    versions = describe_environment().versions
    assert "numpy" in versions
    assert all(versions.values())


@pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")
@pytest.mark.parametrize(("says", "bits"), [("throttled=0x50005", 0x50005), ("throttled=0x0", 0), ("error", None)])
def test_throttling_is_asked_of_vcgencmd(
    says: str, bits: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = tmp_path / "vcgencmd"
    command.write_text(f'#!/bin/sh\n[ "$1" = get_throttled ] && echo {says}\n')
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert read_throttled() == bits


def test_without_vcgencmd_throttling_is_not_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert read_throttled() is None


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="the system cannot bind processes to cores")
def test_the_fastest_cores_are_chosen_then_the_highest_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 2, 3})
    assert choose_cpus(1, tmp_path) == (3,)
    assert choose_cpus(2, tmp_path) == (2, 3)
    assert choose_cpus(9, tmp_path) == (0, 1, 2, 3)
    write(tmp_path, {f"sys/devices/system/cpu/cpu{k}/cpu_capacity": text for k, text in enumerate("9911")})
    assert choose_cpus(2, tmp_path) == (0, 1)


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="the system cannot bind processes to cores")
def test_binding_ends_with_its_block() -> None:
    before = current_cpus()
    with bound_to(before[:1]):
        assert current_cpus() == before[:1]
    assert current_cpus() == before
    with bound_to(()):
        assert current_cpus() == before
