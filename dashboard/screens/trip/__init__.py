"""The trip screen."""
