"""Keys: bindings, the keymap and its file, jump mode."""
