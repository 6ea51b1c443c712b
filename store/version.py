"""The version of the tool; a literal, because looking it up in package data is slow."""

from __future__ import annotations

VERSION = "1.0.0"
