"""How forecasts are issued, settled, measured, and watched for drift."""
