"""A transcript as lines."""
