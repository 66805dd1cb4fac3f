"""The accuracy screen."""
