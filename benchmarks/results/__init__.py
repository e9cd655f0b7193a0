"""Results: the document, its statistics and validity, tables, the verdict and the comparison of two."""
