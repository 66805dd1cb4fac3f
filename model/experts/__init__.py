"""The models that compete: one file an idea, and the registry that lists them."""
