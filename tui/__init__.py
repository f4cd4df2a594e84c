"""Showing it: the application and the command line."""
