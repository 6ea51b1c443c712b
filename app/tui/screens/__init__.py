"""The screens of the dashboard, one a file with its stylesheet."""
