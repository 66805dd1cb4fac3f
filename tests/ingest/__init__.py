"""Tests of what brings the world in."""
