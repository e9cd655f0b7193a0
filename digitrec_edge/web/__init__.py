"""The recogniser in a browser: JavaScript modules that ship in the package; ``preprocess`` is the Python one's twin."""
