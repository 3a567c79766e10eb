"""A picture of the dashboard: its panels, drawn from what a Prometheus answers to their queries. Not by Grafana."""
