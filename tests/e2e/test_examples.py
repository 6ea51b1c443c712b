"""The examples we ship are valid and do what they say."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.program import ROOT
from tests.world import World

EXAMPLES = sorted((ROOT / "examples").glob("*.yml"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_valid_even_strictly(world: World, example: Path) -> None:
    world.prodigy("validate", example, "--strict").expect(0)


def test_the_demonstration_runs(world: World) -> None:
    shutil.copytree(ROOT / "examples" / "demo-project", world.repository, dirs_exist_ok=True)
    world.git("add", ".")
    world.git("commit", "-qm", "notes")
    world.prodigy("run", ROOT / "examples" / "demo.yml").expect(0)
    report = (world.worktree() / "report.md").read_text()
    assert "3 notes with" in report
    assert report.rstrip().endswith("Checked.")
    subjects = world.git("log", "--format=%s", f"main..prodigy-{world.only_id}").splitlines()
    assert len(subjects) == 3
    assert any(subject.startswith("Report on ") for subject in subjects)
    assert world.git("status", "--porcelain", cwd=world.worktree()) == ""


def test_the_repairing_example_recovers(world: World) -> None:
    world.prodigy("run", ROOT / "examples" / "repair.yml").expect(0)
    assert "built after exit 1; lint ok: false" in world.log(3)


def test_the_approval_example_waits_and_goes_on(world: World) -> None:
    done = world.prodigy("run", ROOT / "examples" / "approval.yml").expect(1)
    assert "not approved" in done.stdout + done.stderr
    path = world.prodigy("worktree", "path", "latest").expect(0).stdout.strip()
    assert Path(path) == world.worktree()
    (Path(path) / "APPROVED").touch()
    world.prodigy("resume", "latest").expect(0)
    assert "released on" in world.log(2)


def test_the_example_for_inputs_makes_a_page_for_each(world: World) -> None:
    example = ROOT / "examples" / "each-input.yml"
    world.prodigy("run", example, "--args", "alpha", "beta").expect(0)
    assert (world.worktree() / "pages" / "alpha.md").read_text().startswith("# alpha")
    assert "Page 2 of 2" in (world.worktree() / "pages" / "beta.md").read_text()


def test_the_agent_example_needs_an_agent(
    world: World, fake_claude: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_CLAUDE", "commit=REVIEW.md")
    world.prodigy("run", ROOT / "examples" / "agent-review.yml").expect(0)
    assert (world.worktree() / "REVIEW.md").exists()


@pytest.mark.slow
def test_the_demonstration_script_works_without_a_terminal(tmp_path: Path) -> None:
    import sys

    copy = tmp_path / "checkout"
    copy.mkdir()
    for name in ("examples", "scripts"):
        shutil.copytree(ROOT / name, copy / name)
    done = subprocess.run(
        [sys.executable, copy / "scripts" / "demo.py"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "demo" in done.stdout
    assert "unmerged" in done.stdout or "Completed" in done.stdout
    assert "\x1b" not in done.stdout
