"""The Python API of Proctor; the command line and the application call it."""
