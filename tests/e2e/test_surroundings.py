"""Where a run is started from never changes where it works."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.conftest import make_repository
from tests.program import command
from tests.world import World

COMMITS = """\
    - shell: pwd; echo mine > mine.txt; git add mine.txt; git commit -qm mine
    """


def test_a_run_started_from_a_git_hook_works_on_its_own_worktree(world: World) -> None:
    path = world.workflow(COMMITS)
    hook = world.repository / ".git" / "hooks" / "post-commit"
    words = " ".join(f"'{word}'" for word in [*command(), "run", str(path)])
    hook.write_text(
        f'#!/bin/sh\n[ -n "$PRODIGY_SESSION_ID" ] || {words} > ../hook.log 2>&1\n', "utf-8"
    )
    hook.chmod(0o755)
    (world.repository / "staged.txt").write_text("staged\n", encoding="utf-8")
    world.git("add", "staged.txt")
    world.git("commit", "-qm", "starts the hook")
    log = (world.repository.parent / "hook.log").read_text()
    assert world.record()["status"] == "Completed", log
    assert world.git("log", "--format=%s", "main").splitlines() == ["starts the hook", "begin"]
    assert world.git("status", "--porcelain") == ""
    assert (world.worktree() / "mine.txt").exists()


def test_inherited_git_locations_lead_nobody_astray(world: World, tmp_path: Path) -> None:
    other = tmp_path / "other"
    make_repository(other)
    environment = {
        "GIT_DIR": str(other / ".git"),
        "GIT_WORK_TREE": str(other),
        "GIT_INDEX_FILE": str(other / ".git" / "index"),
    }
    world.run(COMMITS, env=environment).expect(0)
    assert world.record()["metadata"]["x_prodigy"]["repo"]["path"] == str(world.repository)
    assert world.git("log", "--format=%s", cwd=other) == "begin"
    assert world.git("log", "--format=%s", "main") == "begin"


def test_a_run_inside_a_step_begins_at_the_worktree_of_that_step(world: World) -> None:
    inner = world.workflow("- shell: cat from-outer.txt && echo inner > inner.txt", "inner.yml")
    words = " ".join(f"'{word}'" for word in [*command(), "run", str(inner)])
    text = f"""\
        - {{shell: echo outer > from-outer.txt, auto_commit: true}}
        - shell: |
            {words}
        """
    world.run(text).expect(0)
    assert len(world.records) == 2
    records = [world.record(file.stem) for file in world.records]
    outer = next(one for one in records if one["workflow_data"]["total_steps"] == 2)
    nested = next(one for one in records if one is not outer)
    base = nested["metadata"]["x_prodigy"]["base"]
    assert base["branch"] == f"prodigy-{outer['id']}"
    assert nested["metadata"]["x_prodigy"]["repo"] == outer["metadata"]["x_prodigy"]["repo"]
    assert nested["status"] == outer["status"] == "Completed"


def test_a_subdirectory_or_linked_worktree_is_the_same_repository(world: World) -> None:
    below = world.repository / "deep" / "er"
    below.mkdir(parents=True)
    linked = world.repository.parent / "linked"
    world.git("worktree", "add", "-q", "-b", "side", str(linked))
    path = world.workflow("- shell: 'true'")
    world.prodigy("run", path, cwd=below).expect(0)
    world.prodigy("run", path, cwd=linked).expect(0)
    for file in world.records:
        repo = world.record(file.stem)["metadata"]["x_prodigy"]["repo"]
        assert repo == {"name": "project", "path": str(world.repository)}
    branches = {
        world.record(f.stem)["metadata"]["x_prodigy"]["base"]["branch"] for f in world.records
    }
    assert branches == {"main", "side"}


def test_a_relative_home_is_made_absolute_for_everyone(world: World) -> None:
    world.run("- shell: echo $PRODIGY_HOME", env={"PRODIGY_HOME": "../prodigy"}).expect(0)
    assert world.record()["status"] == "Completed"
    assert world.state() == "completed"


def test_a_detached_head_can_be_run_but_has_no_target(world: World) -> None:
    world.git("checkout", "-q", "--detach")
    world.run("- {shell: echo x > x.txt, auto_commit: true}", "-y")
    record = world.record()
    assert record["status"] == "Completed"
    assert record["metadata"]["x_prodigy"]["base"]["branch"] is None
    assert world.metadata()["original_branch"] == ""
    world.prodigy("merge", world.only_id, "--into", "main", "-y").expect(0)
    assert "x.txt" in world.git("ls-tree", "--name-only", "main")


@pytest.mark.usefixtures("no_git_identity")
def test_a_machine_without_a_git_identity_commits_all_the_same(world: World) -> None:
    text = """\
        - shell: echo a > a.txt; git add a.txt; git commit -qm by-hand
        - shell: echo b > b.txt
          auto_commit: true
        """
    # The user's configuration demands an identity of its own; the run brings a stand-in.
    world.run(text).expect(0)
    authors = world.git("log", "--format=%an <%ae>", f"main..prodigy-{world.only_id}").splitlines()
    assert authors == ["Prodigy <prodigy@localhost>"] * 2


@pytest.mark.parametrize("name", ["with blanks in it", "session-like", "archive", "ünïcode"])
def test_a_repository_may_have_any_name(world: World, tmp_path: Path, name: str) -> None:
    repository = tmp_path / "odd" / name
    make_repository(repository)
    path = world.workflow("- shell: test -e README.md\n- shell: test -e go\n")
    world.prodigy("run", path, cwd=repository).expect(1)
    (world.home.worktree(name, world.only_id) / "go").touch()
    world.prodigy("resume", world.only_id, cwd=Path("/")).expect(0)
    assert world.record()["status"] == "Completed"


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_the_umask_of_the_user_decides_nothing_of_ours(world: World, umask: int) -> None:
    path = world.workflow("- shell: touch made.txt; umask")
    done = subprocess.run(
        ["sh", "-c", f'umask {umask:04o}; exec "$@"', "sh", *command(), "run", str(path)],
        cwd=world.repository,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    record = world.home.session_file(world.only_id)
    assert record.stat().st_mode & 0o777 == 0o600
    assert int(world.log(0).split()[0], 8) == umask


def test_our_own_python_path_reaches_no_step(world: World) -> None:
    canary = {"PYTHONPATH": "/nowhere/of/the/user", "CANARY_VALUE": "in the environment only"}
    world.run('- shell: echo "path $PYTHONPATH"', env=canary).expect(0)
    assert world.log(0) == "path /nowhere/of/the/user\n"
    for path in world.home.root.rglob("*"):
        if path.is_file() and path.stat().st_size < 1 << 20:
            assert b"in the environment only" not in path.read_bytes(), path


def test_a_user_package_named_app_is_not_ours(world: World) -> None:
    package = world.repository / "app"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit('the package of the user')\n", "utf-8")
    done = world.prodigy("sessions", "list", env={"PYTHONPATH": os.curdir}).expect(0)
    assert "the package of the user" not in done.stderr


def test_secrets_reach_steps_and_nothing_else(world: World) -> None:
    secret = "s3cr3t-Value-0042"
    text = """\
        secrets: {TOKEN_OF_MINE: THE_TOKEN}
        commands:
          - shell: echo "$TOKEN_OF_MINE" | tee seen.txt; printf %s "$TOKEN_OF_MINE" | base64
            capture: shown
          - shell: 'echo "again: ${shown}"; test -e go'
        """
    done = world.run(text, env={"THE_TOKEN": secret}).expect(1)
    (world.worktree() / "go").touch()
    resumed = world.prodigy("resume", world.only_id, env={"THE_TOKEN": secret}).expect(0)
    assert (world.worktree() / "seen.txt").read_text().strip() == secret
    assert secret not in done.stdout + done.stderr + resumed.stdout + resumed.stderr
    worktree = world.worktree()
    for path in world.home.root.rglob("*"):
        if path.is_file() and worktree not in path.parents:
            assert secret.encode() not in path.read_bytes(), f"{path} holds the secret"
