"""The supervisor: one process per run."""
