"""How simulated models work problems out."""
