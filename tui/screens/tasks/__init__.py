"""The Tasks screen."""
