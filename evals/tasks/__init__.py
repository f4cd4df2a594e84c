"""The shipped tasks, and finding and building those of others. Importing this package loads nothing heavy."""
