"""Devices over ssh: set up an environment there, run benchmarks there, bring the figures home, deploy."""
