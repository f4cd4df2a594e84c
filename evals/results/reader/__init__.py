"""The reader: a child process with Inspect loaded."""
