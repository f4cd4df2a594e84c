"""Doing it: plan, supervisor, cells, and the state of runs."""
