"""Verification: what a model file says of itself, and whether it answers here as it did at export."""
