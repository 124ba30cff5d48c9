"""The documentation of a project, made from its specs: the field dictionary, code tables, ownership, lineage."""
