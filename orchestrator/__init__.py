"""What runs workflows: the language, the steps, the run itself, and continuing it."""
