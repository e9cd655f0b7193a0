"""The service: a recogniser that answers over HTTP, on loopback or a LAN, bounded in everything.

One process speaks HTTP (``app``, ``connections``, ``guard``), and one per core reads pictures (``reader``, ``staff``):
a picture that takes long, or takes a decoder down, holds nobody else up, and what is counted is counted in one place.
``routes`` is the table from which routing, the OpenAPI document, the metrics' labels and the documentation follow.
"""
