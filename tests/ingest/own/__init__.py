"""Tests of the own model: its process, and what happens when it fails."""
