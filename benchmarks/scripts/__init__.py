"""Desktop measurements that are run by hand: ``python benchmarks/scripts/NAME.py``; their figures stand in docs/."""
