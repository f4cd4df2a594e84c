"""The process of a cell."""
