"""Upkeep of the state between runs: is it whole, does it stay small, what must leave it, what is agreed anew."""
