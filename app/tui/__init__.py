"""The dashboard: what people see of all runs, in a terminal."""
