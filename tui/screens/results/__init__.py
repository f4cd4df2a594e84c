"""The Results screen."""
