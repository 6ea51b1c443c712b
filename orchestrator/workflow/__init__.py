"""The workflow language: text to positioned nodes to a typed model; problems are values."""
