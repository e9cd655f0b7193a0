"""Millions of pictures on many cores or machines: tables of pictures in, tables of answers out, part by part.

::

    from digitrec_edge.farm import Reader
    from runtimes import load

    read = Reader(load("digitrec-int8.tflite").origin, column="image")
    answers = read(pictures)  # pyarrow tables

A :class:`Reader` is one function without a state, which Dask, Ray, Spark or ``multiprocessing`` may call anywhere.
The extra ``dask`` brings what this package needs.
"""

from digitrec_edge.farm.reader import Reader

__all__ = ["Reader"]
