"""Reading the mapping language: syntax trees from tokens, places, and errors in users' words."""
