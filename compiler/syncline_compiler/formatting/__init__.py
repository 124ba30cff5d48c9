"""The one layout of YAML files: their text as a tree with comments, and that tree as text."""
