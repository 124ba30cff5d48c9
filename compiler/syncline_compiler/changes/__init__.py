"""What changes between two states of a project's specs: facts, their rules, versions, the lock."""
