"""All tests. The folders mirror the rooms of the code."""
