"""How the experts become one forecast: the pool weighs them, and the guard corrects the result."""
