"""HTTP requests to strangers: the only room that imports requests."""
