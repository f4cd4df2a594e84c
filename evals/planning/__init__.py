"""From a profile to a plan: expansion, estimates, preflight, and edits of a plan."""
