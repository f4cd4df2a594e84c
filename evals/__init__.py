"""Doing it: catalog, tasks, practice, engine, results. No Textual here."""
