"""Questions to a checked project: for ``docs``, and for editors."""
