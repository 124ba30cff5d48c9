"""Executes releases: extract, normalise, match, merge, diff, guard, seal, deliver, confirm."""
