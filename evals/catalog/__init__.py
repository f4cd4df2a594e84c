"""The catalog: which models are served, by whom and on what terms, and who is asking."""
