"""The line table."""
