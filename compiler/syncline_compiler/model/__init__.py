"""What travels between passes: frozen values, no behaviour."""
