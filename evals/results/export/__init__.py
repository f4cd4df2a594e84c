"""The scoreboard in formats for others to read."""
