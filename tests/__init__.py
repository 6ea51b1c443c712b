"""Tests, named as guarantees: what a person can rely on, shown on real files and processes."""
