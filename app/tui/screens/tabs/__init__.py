"""The tabs of a session, one a file."""
