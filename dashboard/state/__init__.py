"""The viewer's choices, in the address bar and in the session, and the table of pages."""
