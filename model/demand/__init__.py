"""What is learnt of riders: rates, occupancy, changes, climatology, weather, calendar."""
