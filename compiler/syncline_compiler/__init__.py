"""Specs in, checked and sealed plans out."""
