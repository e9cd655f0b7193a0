"""Results on file: JSON with a version, the environment beside the figures."""

import dataclasses
import json
from collections.abc import Sequence

from benchmarks.cases import Row
from benchmarks.environment import Environment

RESULTS_VERSION = 1


def to_json(environment: Environment, rows: Sequence[Row]) -> bytes:
    """Return the results as UTF-8 JSON."""
    return json.dumps(
        {
            "version": RESULTS_VERSION,
            "environment": dataclasses.asdict(environment),
            "rows": [dataclasses.asdict(row) for row in rows],
        },
        indent=1,
    ).encode()
