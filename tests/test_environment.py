"""The environment that stands beside every figure says what is really here."""

import dataclasses
import json
import platform
from importlib import metadata

import numpy as np

import digitrec_edge
from benchmarks.environment import describe_environment


def test_it_names_this_machine_and_python() -> None:
    found = describe_environment()
    assert found.python == platform.python_version()
    assert found.machine == platform.machine()
    assert found.kernel == platform.release()
    assert found.cores >= 1
    assert found.cpu.strip() == found.cpu != ""
    assert found.os


def test_versions_are_those_installed_and_nothing_else() -> None:
    versions = describe_environment().versions
    assert versions["numpy"] == np.__version__
    assert versions["digitrec-edge"] == digitrec_edge.__version__
    for name, version in versions.items():
        assert metadata.version(name) == version


def test_it_goes_into_json() -> None:
    found = describe_environment()
    assert json.loads(json.dumps(dataclasses.asdict(found)))["cpu"] == found.cpu
