"""From the relational IR to SQL and plans."""
