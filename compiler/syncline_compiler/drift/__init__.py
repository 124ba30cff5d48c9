"""Drift: what a system has by now, against what its description says."""
