"""The installed programs, end to end: real git, real processes, real files."""
