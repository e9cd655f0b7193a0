"""Runtimes of other machines: in a browser, in a microcontroller. Artifacts are made for them here, and run there.

A row each, as in the table of runtimes; ``export --target``, ``inspect`` and the documentation follow from the rows,
and tests run every variant in each of them. What else they know stands in support.json.
"""

from runtimes.table import RUNTIMES, Target, find_row


class Elsewhere(Target, kw_only=True):
    """A row of the table.

    Attributes:
        title: what its makers call it.
        installer: the command that brings it to those who build an app.
        distribution: its name in that command's index.
    """

    title: str
    installer: str
    distribution: str

    @property
    def called(self) -> str:
        """See Target."""
        return self.title


ELSEWHERE = (
    Elsewhere(
        name="litert-web",
        title="LiteRT.js",
        installer="npm install",
        distribution="@litertjs/core",
        formats=("tflite",),
        release="2.5.3",
        suffix="-litert-web",
        borders=("float32", "int32", "uint8"),
    ),
    Elsewhere(
        name="onnxruntime-web",
        title="ONNX Runtime Web",
        installer="npm install",
        distribution="onnxruntime-web",
        formats=("onnx", "ort"),
        release="1.30.0",
        suffix="-onnxruntime-web",
    ),
    Elsewhere(
        name="tflite-micro",
        title="TFLite Micro",
        installer="pip install",
        distribution="tflite-micro",
        formats=("tflite",),
        release="0.dev20261023182759",
        suffix="-tflite-micro",
        layers=(("float32", "float32"), ("int8", "int8"), ("int16", "int8")),
    ),
)

TARGETS: tuple[Target, ...] = (*RUNTIMES, *ELSEWHERE)
"""All that artifacts are made for."""


def target_names() -> list[str]:
    """Return what the targets are called, in the order of the tables."""
    return [row.name for row in TARGETS]


def find_target(name: str) -> Target:
    """Return the row of a target.

    Raises:
        InputError: there is no such target; names those there are.
    """
    return find_row(TARGETS, name)


if __name__ == "__main__":  # what npm is told to install, for the Makefile
    print(*(f"{row.distribution}@{row.release}" for row in ELSEWHERE if row.installer.startswith("npm")))
