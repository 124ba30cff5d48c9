"""How each stage of a sync becomes relational IR; `passes.lower` puts the pieces together."""
