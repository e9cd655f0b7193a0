"""Measuring: which cases there are, and each of them in fresh processes."""
