"""The report: everything that is known of a model and its artifacts, on one page and as pictures.

``collect`` reads a folder and runs its artifacts; ``write`` draws. Needs matplotlib (the extra ``report``),
not TensorFlow.
"""

from digitrec_edge.report.material import Material, collect
from digitrec_edge.report.writing import write

__all__ = ["Material", "collect", "write"]
