"""The command line, mostly called inside the test's own process, which is quick."""
