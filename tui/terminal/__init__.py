"""The terminal driver and what is sent."""
