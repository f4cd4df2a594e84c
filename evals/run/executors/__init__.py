"""What runs the cells."""
