"""The dashboard under test: a prepared store, a fixed clock, a frozen screen."""

from __future__ import annotations

import os

# Read when textual is imported, so they are set before anything here imports it.
os.environ.pop("NO_COLOR", None)
os.environ.pop("TEXTUAL_THEME", None)
os.environ["TEXTUAL_ANIMATIONS"] = "none"
os.environ["COLORTERM"] = "truecolor"
