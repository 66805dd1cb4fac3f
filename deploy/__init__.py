"""What is needed to run Dockcast for good: units, containers, alerts, backup. See README.md."""
