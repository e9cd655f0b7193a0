"""The variants: what a model can be exported as, one row each, with all that is ever asked of one.

``converters.FORMAT`` holds the function that makes it; nothing else knows a variant by name. Reading the table needs
neither numpy nor a converter. ``docs/extending.md`` adds a row step by step.
"""

from dataclasses import dataclass

from digitrec_edge.errors import ArtifactError

INFINITE = float("inf")


@dataclass(frozen=True)
class Gate:
    """What an artifact must keep of its Keras model, over the whole test set, to be written.

    Attributes:
        min_agreement: share of images with the same digit, 0 to 1.
        max_drop_pp: accuracy that may be lost, in percentage points.
        max_logit_difference: largest allowed absolute difference of any logit.
        reason: why just this much.
    """

    min_agreement: float
    max_drop_pp: float
    max_logit_difference: float
    reason: str


@dataclass(frozen=True)
class Tolerance:
    """How far a logit of the self-test may be from the one at export: kernels differ from CPU to CPU.

    Attributes:
        share: of the range of all logits of the sample.
        reason: why just this much.
    """

    share: float
    reason: str


@dataclass(frozen=True)
class Precision:
    """The arithmetic of a variant, as its card names it.

    Attributes:
        activations: type of the numbers that go from layer to layer.
        weights: type of the weights, as they are stored.
        integer: whether it is chosen for speed and size, so that being slower than float32 is worth a warning.
    """

    name: str
    gate: Gate
    tolerance: Tolerance
    activations: str
    weights: str
    integer: bool


ROUNDING_NAMES = ("litert", "litert-reference", "tflite-micro", "tflite-runtime-x86")
"""Whose bytes C answers with: the rows of ``digitrec_edge.dense.rounding.ROUNDINGS``."""
KERNEL_NAMES = ("portable", "dsp", "mve")
"""Which processors C is for: the rows of ``digitrec_edge.dense.packing.KERNELS``."""


OUTPUT_TYPES = ("int8", "uint8", "float32")
"""What the logits of an integer network may be written as: the same logits, in another type."""


@dataclass(frozen=True)
class ExportChoice:
    """What is chosen for variants that leave a choice.

    Attributes:
        rounding: of C, one of ROUNDING_NAMES.
        kernel: of C, one of KERNEL_NAMES.
        output_type: of the logits, one of OUTPUT_TYPES; None is the first that the target takes.
    """

    rounding: str = ROUNDING_NAMES[0]
    kernel: str = KERNEL_NAMES[0]
    output_type: str | None = None


AS_USUAL = ExportChoice()


@dataclass(frozen=True)
class Variant:
    """A row of the table.

    Attributes:
        option: the command line's ``--option`` without dashes.
        precision: its arithmetic, and how far that may lead from the Keras model.
        format: of the file.
        function: in ``converters.FORMAT``; takes a Source and a Target, returns the payload.
        calibrated: whether activation ranges are measured on training images.
        tools: distributions that take part.
        help: what it is, in a few words.
        needs: an operator and its version without which this variant cannot be, whatever the target.
        choices: options of ``export`` that are for this variant: fields of ``ExportChoice``.
        file: name of its file without suffix; empty is the artifact's own.
        beside: in ``converters.FORMAT``; takes the path of the artifact and writes what belongs beside it; empty where
            the artifact is all.
        outputs: types that its logits can have, the usual one first.
        takes: format of artifacts that will do in place of a Keras model, of the same precision, see
            :mod:`digitrec_edge.reissue`; ``of_artifact`` in ``converters.FORMAT`` makes the payload.
    """

    option: str
    precision: Precision
    format: str
    function: str
    calibrated: bool
    tools: tuple[str, ...]
    help: str
    needs: tuple[str, int] | None = None
    choices: tuple[str, ...] = ()
    file: str = ""
    beside: str = ""
    outputs: tuple[str, ...] = ("float32",)
    takes: str = ""

    @property
    def name(self) -> str:
        """Name of the artifact."""
        return f"digitrec-{self.precision.name}"

    @property
    def stem(self) -> str:
        """Name of its file without suffix."""
        return self.file or self.name


FLOAT32 = Precision(
    "float32",
    Gate(1.0, 0.0, 1e-4, "the same float32 sums in another order: 784 products of magnitude 1 differ by about 1e-5"),
    Tolerance(1e-5, "the same sums in another order"),
    activations="float32",
    weights="float32",
    integer=False,
)
FLOAT16 = Precision(
    "float16",
    Gate(0.999, 0.1, 0.25, "weights keep 11 of 24 bits, a relative error of 2^-11: logits of 30 move by hundredths"),
    Tolerance(1e-3, "the same sums in another order, of weights that some kernels multiply as float16"),
    activations="float32",
    weights="float16",
    integer=False,
)
INT8 = Precision(
    "int8",
    Gate(
        0.995, 0.2, INFINITE,
        "8 bits move logits by about their scale, 0.1 to 0.2; only digits with a rival that near may change",
    ),
    Tolerance(0.02, "kernels round one step, 1/255 of a layer's range, apart in each of four layers"),
    activations="int8",
    weights="int8",
    integer=True,
)  # fmt: skip
INT8_DYNAMIC = Precision(
    "int8-dynamic",
    Gate(0.995, 0.2, INFINITE, "weights as coarse as int8's, activations quantised by their own range each time"),
    Tolerance(0.02, "activations are quantised to 8 bits by each kernel's own rule"),
    activations="float32",
    weights="int8",
    integer=True,
)
INT16X8 = Precision(
    "int16x8",
    Gate(0.995, 0.2, INFINITE, "weights as coarse as int8's; the activations' 16 bits add next to nothing"),
    Tolerance(1e-3, "16-bit activations rounded one step apart"),
    activations="int16",
    weights="int8",
    integer=True,
)
INT4 = Precision(
    "int4",
    Gate(0.98, 1.0, INFINITE, "15 steps per weight: one digit in a hundred may change, most of them near-ties"),
    Tolerance(0.02, "as int8: the activations have 8 bits"),
    activations="int8",
    weights="int4",
    integer=True,
)

NARROW_DENSE = ("FULLY_CONNECTED", 12)
"""From this version on (TensorFlow 2.17) runtimes know one scale per channel of narrow Dense weights."""

_TFLITE = ("tensorflow", "keras")
_ONNX = (*_TFLITE, "tf2onnx", "onnx")
_ORT = (*_ONNX, "onnxruntime")
_INT4 = (*_TFLITE, "ai-edge-quantizer")
_OF_C = ("rounding", "kernel")
_OF_OUTPUT = ("output_type",)

VARIANTS = (
    Variant("float32", FLOAT32, "tflite", "float32", False, _TFLITE, "float32"),
    Variant("float16", FLOAT16, "tflite", "float16", False, _TFLITE, "float16 weights, float32 arithmetic"),
    Variant(
        "int8-dynamic", INT8_DYNAMIC, "tflite", "int8_dynamic", False, _TFLITE,
        "int8 weights, activations quantised at run time",
    ),
    Variant(
        "int8", INT8, "tflite", "int8", True, _TFLITE, "full integer: weights, activations, input and output",
        choices=_OF_OUTPUT, outputs=OUTPUT_TYPES,
    ),
    Variant(
        "int16x8", INT16X8, "tflite", "int16x8", True, _TFLITE, "int8 weights, int16 activations", outputs=("int16",)
    ),
    Variant(
        "int4", INT4, "tflite", "int4", True, _INT4, "int4 weights, int8 activations", NARROW_DENSE,
        choices=_OF_OUTPUT, outputs=OUTPUT_TYPES,
    ),
    Variant("onnx", FLOAT32, "onnx", "float32", False, _ONNX, "float32, opset 17"),
    Variant("onnx-int8", INT8, "onnx", "int8", True, _ORT, "int8 weights and activations (QDQ)"),
    Variant("ort", FLOAT32, "ort", "float32", False, _ORT, "ONNX Runtime's own format, float32"),
    Variant("ort-int8", INT8, "ort", "int8", True, _ORT, "ONNX Runtime's own format, int8"),
    Variant(
        "c", INT8, "c", "int8", True, _TFLITE, "int8 in C for microcontrollers: Arduino, CMake", None, _OF_C,
        outputs=("int8",), takes="tflite",
    ),
    Variant(
        "c-int4", INT4, "c", "int4", True, _INT4, "int4 in C for microcontrollers", None, _OF_C,
        outputs=("int8",), takes="tflite",
    ),
    Variant(
        "java", INT8, "java", "int8", True, _TFLITE, "int8 in Java for Android and any JVM",
        outputs=("int8",), takes="tflite",
    ),
    Variant(
        "web", INT8, "html", "int8", True, _TFLITE, "the int8 artifact in one page that opens on a phone",
        file="digitrec", beside="folder", outputs=("int8",), takes="tflite",
    ),
)  # fmt: skip

TOOLS = tuple(dict.fromkeys(tool for row in VARIANTS for tool in row.tools))
"""Distributions that take part in any conversion."""


def precision(name: str) -> Precision:
    """Return the precision that a card names.

    Raises:
        ArtifactError: this version does not know it.
    """
    known = {row.precision.name: row.precision for row in VARIANTS}
    if name not in known:
        raise ArtifactError(
            f"precision {name!r} is not known to this digitrec-edge (it knows {', '.join(known)}): update digitrec-edge"
        )
    return known[name]
