"""The six places of the application."""
