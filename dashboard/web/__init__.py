"""The middleware before the app: the request guard, and compression of static files."""
