"""From a Source and a row of the table of variants to a payload."""

from collections.abc import Callable
from importlib import import_module, metadata
from pathlib import Path
from typing import cast

from converters.source import Source
from digitrec_edge.artifact import Artifact
from digitrec_edge.dense.tflite import NotDenseError
from digitrec_edge.errors import ConversionError, DigitrecError, UnfitModelError
from digitrec_edge.pip_lines import install_extra
from digitrec_edge.variants import ExportChoice, Variant
from runtimes.table import Target

Convert = Callable[[Source, Target], bytes]


def tool_versions(variant: Variant) -> dict[str, str]:
    """Return the installed version of each tool that takes part in a variant, but for this one."""
    return {tool: metadata.version(tool) for tool in (*variant.tools, "numpy")}


def payload_of(variant: Variant, found: Artifact, choice: ExportChoice) -> bytes:
    """Return the payload of a variant that takes artifacts, by ``of_artifact`` of its converter.

    Args:
        variant: that takes it.
        found: an artifact with card and sample.
        choice: of what the variant leaves open.

    Raises:
        ConversionError: the variant does not compute this model.
    """
    make = cast(Callable[[Artifact, ExportChoice], bytes], import_module(f"converters.{variant.format}").of_artifact)
    try:
        return make(found, choice)
    except NotDenseError as cause:
        raise UnfitModelError(f"--{variant.option} cannot hold {found.path}: {cause}") from cause
    except ValueError as cause:
        raise ConversionError(f"--{variant.option} cannot be made of {found.path}: {cause}") from cause


def write_beside(variant: Variant, artifact: Path) -> None:
    """Write what belongs beside an artifact, if its variant has such.

    Raises:
        OutputError: it cannot be written.
    """
    if variant.beside:
        write = cast(Callable[[Path], None], getattr(import_module(f"converters.{variant.format}"), variant.beside))
        write(artifact)


def convert(source: Source, variant: Variant, target: Target) -> bytes:
    """Convert to one variant for one target.

    Returns:
        The payload: the model without its card.

    Raises:
        ConversionError: a tool is missing or refuses the model.
    """
    try:
        module = import_module(f"converters.{variant.format}")
        return cast(Convert, getattr(module, variant.function))(source, target)
    except DigitrecError:
        raise
    except ImportError as cause:
        raise ConversionError(
            f"--{variant.option} needs {cause.name}, which is not installed: {install_extra('convert')}"
        ) from cause
    except NotDenseError as cause:
        raise UnfitModelError(f"--{variant.option} cannot hold {source.path}: {cause}") from cause
    except Exception as cause:  # the converters raise whatever their compilers raise
        text = " ".join(str(cause).split())[:300]
        raise ConversionError(
            f"{source.path} cannot be converted to {variant.precision.name} .{variant.format}: {text}"
        ) from cause
