"""The bridge to Inspect."""
