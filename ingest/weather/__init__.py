"""Weather observations and forecasts from Open-Meteo."""
