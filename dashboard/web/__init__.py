"""What stands before every request: the request guard and compressed static files."""
