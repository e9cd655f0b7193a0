"""The recogniser in a browser: one HTML file that opens on a phone, asks nobody for anything and checks itself.

``engine/`` computes, ``preprocess/``, the Python one's twin, finds the digits on a picture, ``page/`` is what is seen;
``boot.mjs`` checks the file before any of them runs. All are plain modules, which node can import;
:mod:`digitrec_edge.web.page` makes one file of them.
"""
