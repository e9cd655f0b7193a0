"""The report: everything that is known of a model and its artifacts, on one page and as figures.

``collect`` reads a folder and runs its artifacts; ``write`` draws. Needs matplotlib and Jinja2 (the extra
``report``), not TensorFlow.
"""

from digitrec_edge.report.data import ReportData, collect
from digitrec_edge.report.writing import write

__all__ = ["ReportData", "collect", "write"]
