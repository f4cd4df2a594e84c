"""What the application knows and remembers."""
