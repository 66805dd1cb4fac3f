"""Files to run Dockcast in production: units, containers, alerts, backup. See README.md."""
