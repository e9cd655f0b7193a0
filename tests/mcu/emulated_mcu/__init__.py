"""Microcontrollers under emulation: the exported C runs there over the whole test set, and its cost is measured."""
