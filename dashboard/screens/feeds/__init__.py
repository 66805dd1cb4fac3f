"""The feeds screen."""
