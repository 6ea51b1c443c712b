"""What is measured, against what, and how; the results are in README.md beside this file."""
