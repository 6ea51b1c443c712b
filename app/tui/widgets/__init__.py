"""The widgets of the dashboard, one a file."""
