"""What to run: profiles, their TOML, and the shipped ones."""
