"""Runs killed at every named point and at random instants; what is left must go on."""
