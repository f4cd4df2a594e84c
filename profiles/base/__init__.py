"""The ground everything stands on: errors, files, text and numbers."""
