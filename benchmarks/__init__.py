"""Benchmarks: `python -m benchmarks` measures seeding, loading and the views, and prints a table."""
