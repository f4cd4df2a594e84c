"""The profiles that come with Proctor: the worked examples and `practice`."""
