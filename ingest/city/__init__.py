"""Made-up cities: plans, streets, stations, riders and weather."""
