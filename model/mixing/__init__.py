"""How the experts become one forecast: the pool weighs them, the guard corrects the result."""
