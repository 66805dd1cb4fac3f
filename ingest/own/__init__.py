"""The own model of an operator, in a process of its own, bounded in time and memory."""
