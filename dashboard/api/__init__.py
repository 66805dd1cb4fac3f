"""The HTTP API: routes, parameters, answers, OpenAPI, health and metrics."""
