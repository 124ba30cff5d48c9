"""Rules over specs: what they can select, and how their expressions are asked of it."""
