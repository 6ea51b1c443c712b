"""Running the commands of steps: their processes, their output, and one module per kind."""
