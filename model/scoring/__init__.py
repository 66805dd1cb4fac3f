"""How forecasts are put on record, settled, measured, and watched for drift."""
