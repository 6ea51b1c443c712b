"""Globs agree with git."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.workflow.globs import matches, select

FILES = [
    "x",
    "main.rs",
    "lib.rs",
    "notes.md",
    ".hidden.rs",
    "a b.rs",
    "grün.rs",
    "src/main.rs",
    "src/x",
    "src/deep/main.rs",
    "src/deep/er/x",
    "other/src/main.rs",
    "src-old/main.rs",
    "a[1].txt",
    "a1.txt",
    "a-b",
]
GLOBS = [
    "*.rs", "*", "?", "x", "main.*", "*main*", "[lm]*.rs", "[!lm]*.rs", "[^lm]*.rs", "a\\[1].txt",
    "a[[]1].txt", "a?b", "a[0-9].txt", "a b.*", "*ü*", "[]x]", "a[+--]b", "[",
    "src/*", "src/**", "**/x", "src/**/x", "src/**/main.rs", "*/main.rs", "**/src/*", "**/deep/**",
    "src/?", "src/*/*", "s*/m*", "src/deep/er/x", "**/*.rs", "src/**/er/**", "other/**/main.rs",
]  # fmt: skip


@pytest.mark.parametrize(
    ("glob", "expected"),
    [
        ("*.rs", {"a.rs", "src/b.rs", "src/deep/c.rs"}),
        ("src/*", {"src/b.rs", "src/x"}),
        ("src/**", {"src/b.rs", "src/x", "src/deep/c.rs", "src/deep/x"}),
        ("**/x", {"x", "src/x", "src/deep/x"}),
    ],
)
def test_the_globs_of_git_lists(glob: str, expected: set[str]) -> None:
    files = ["a.rs", "src/b.rs", "src/deep/c.rs", "x", "src/x", "src/deep/x", "src", "docs.md"]
    assert set(select([glob], files)) == expected


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository whose index holds ``FILES``."""
    repository = tmp_path_factory.mktemp("globs")
    subprocess.run(["git", "init", "-q", "."], cwd=repository, check=True)
    for name in FILES:
        path = repository / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    subprocess.run(["git", "add", "-A"], cwd=repository, check=True)
    return repository


@pytest.mark.parametrize("glob", GLOBS)
def test_globs_agree_with_git(indexed: Path, glob: str) -> None:
    pathspec = f":(glob){glob if '/' in glob else f'**/{glob}'}"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--", pathspec], cwd=indexed, capture_output=True, check=True
    )
    from_git = sorted(listed.stdout.decode().split("\0")[:-1])
    assert sorted(select([glob], FILES)) == from_git


def test_several_globs_keep_the_order_of_the_paths() -> None:
    assert select(["*.md", "src/*"], ["src/b", "a.md", "c", "src/a.md"]) == [
        "src/b",
        "a.md",
        "src/a.md",
    ]


def test_many_stars_take_no_exponential_time() -> None:
    start = time.perf_counter()
    assert not matches("*a" * 40 + "b", "a" * 250)
    assert not matches("**/a/" * 20 + "b", "a/" * 120 + "c")
    assert time.perf_counter() - start < 20


@given(st.text(alphabet="ab*?[]!^-\\/.", max_size=16), st.text(alphabet="ab/.-]", max_size=16))
@settings(max_examples=500)
def test_no_glob_is_a_crash(glob: str, path: str) -> None:
    assert matches(glob, path) in (True, False)


@given(st.text(alphabet="ab.ü ", min_size=1, max_size=8))
def test_a_plain_name_matches_itself_anywhere(name: str) -> None:
    assert matches(name, name)
    assert matches(name, f"dir/{name}")
    assert not matches(name, f"{name}c")
