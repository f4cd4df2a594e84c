"""A run from outside: its directory, status, events, launch and retry."""
