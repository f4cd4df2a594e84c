"""Controllers: they own resources and call the API."""
