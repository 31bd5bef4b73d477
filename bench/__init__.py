"""Benchmarks for the bars of the design: `python -m bench`. Ratios come from one run on one machine."""
