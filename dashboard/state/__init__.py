"""What the viewer has chosen, kept in the address bar and in the session."""
