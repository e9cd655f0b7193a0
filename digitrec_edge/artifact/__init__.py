"""Artifacts: self-describing model files, read whole, checked, and written whole."""

from digitrec_edge.artifact.container import LIMIT_BYTES, Artifact, parse, read, seal, signature_path, strip, write

__all__ = ["LIMIT_BYTES", "Artifact", "parse", "read", "seal", "signature_path", "strip", "write"]
