"""The components that learn what riders do: rates, occupancy, changes, climatology, weather, calendar."""
