"""Typing of expressions and lines: what ``passes/check_types.py`` is made of."""
