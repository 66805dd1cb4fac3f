"""The experts: models that compete in the pool. One file holds one idea; the registry lists them all."""
