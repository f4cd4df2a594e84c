"""Reading Inspect logs, and the index made of them."""
