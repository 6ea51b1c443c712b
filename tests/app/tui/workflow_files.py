"""A repository with workflow files, right ones and a broken one."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.conftest import make_repository

RELEASE_NOTES = """\
name: release-notes
description: Drafts the notes of a release from its commits.
parameters:
  version:
    type: string
    required: true
    description: the tag to write them for
  max_items:
    type: integer
    default: 5
    validation: "value <= 32"
  draft:
    type: boolean
    default: true
    description: not to be published
commands:
  - shell: "git log --oneline v1.0.. > changes.txt"
  - claude: "/draft-notes $ARG"
    timeout: 600
  - shell: make test
    on_failure:
      claude: /debug
"""
BROKEN = """\
commands:
  - shell: "make build"
    timout: 5
  - shel: make test
"""
HELLO = """\
commands:
  - name: say it
    shell: echo hello
    retry:
      attempts: 3
"""


def make_project(path: Path) -> None:
    """A repository whose workflows are committed, but for the one that is broken."""
    make_repository(path)
    workflows = path / "workflows"
    workflows.mkdir()
    (workflows / "release-notes.yml").write_text(RELEASE_NOTES, encoding="utf-8")
    (workflows / "hello.yml").write_text(HELLO, encoding="utf-8")
    for words in (["add", "."], ["commit", "-q", "-m", "workflows"]):
        subprocess.run(["git", *words], cwd=path, check=True, capture_output=True)
    (workflows / "broken.yml").write_text(BROKEN, encoding="utf-8")
