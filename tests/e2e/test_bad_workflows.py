"""A workflow with mistakes is refused whole: every problem with its place, nothing created."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.world import World

DEEP = "commands: " + "[" * 80 + "'shell: x'" + "]" * 80
ALIAS_BOMB = (
    "x-a: &a [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]\n"
    + "".join(
        f"x-{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 10)}]\n"
        for n in range(6)
    )
    + "commands:\n  - shell: echo\n"
)
BAD: dict[str, tuple[bytes | str, list[str]]] = {
    # name: (file, words every answer must hold)
    "empty": ("", ["work.yml"]),
    "only comments": ("# nothing\n# here\n", ["work.yml"]),
    "only blanks": ("\n  \n\n", ["work.yml"]),
    "a scalar": ("just words\n", ["work.yml:1"]),
    "no steps": ("name: nothing\n", ["no steps"]),
    "an empty list": ("commands: []\n", ["no steps"]),
    "broken YAML": ("commands:\n  - shell: 'open\n", ["work.yml:"]),
    "a tab as indentation": ("commands:\n\t- shell: echo\n", ["work.yml:2"]),
    "duplicate keys": ("name: a\nname: b\ncommands: ['shell: x']\n", ["work.yml:2", "name"]),
    "a duplicate key in a step": (
        "commands:\n  - shell: a\n    timeout: 1\n    timeout: 2\n",
        ["work.yml:4:5", "timeout"],
    ),
    "two documents": ("commands: ['shell: x']\n---\ncommands: ['shell: y']\n", ["work.yml:2"]),
    "not UTF-8": (b"commands:\n  - shell: echo \xff\xfe\n", ["UTF-8"]),
    "binary": (bytes(range(256)) * 20, ["work.yml"]),
    "NULs": (b"\0" * 4096, ["work.yml"]),
    "UTF-16": ("commands: ['shell: x']\n".encode("utf-16"), ["work.yml"]),
    "over the size limit": ("# " + "x" * (5 * 1024 * 1024) + "\n- shell: x\n", ["4 MiB"]),
    "an alias bomb": (ALIAS_BOMB, ["200"]),
    "a cycle of aliases": ("commands: &all\n  - shell: x\n  - *all\n", ["work.yml:"]),
    "an unknown alias": ("commands:\n  - *nowhere\n", ["work.yml:2"]),
    "too deep": (DEEP, ["64"]),
    "commands is no step": ("commands: {nothing: here}\n", ["work.yml:1", "nothing"]),
    "a name that is a list": ("name: [a]\ncommands: ['shell: x']\n", ["work.yml:1:7"]),
    "two kinds in one step": (
        "commands:\n  - shell: a\n    claude: b\n",
        ["work.yml:2", "shell", "claude"],
    ),
    "no kind in a step": ("commands:\n  - timeout: 5\n", ["work.yml:2:5", "kind"]),
    "env is a list": ("env: [a, b]\ncommands: ['shell: x']\n", ["work.yml:1:6"]),
    "a duration that is none": ("commands:\n  - shell: a\n    timeout: soon\n", ["3:14", "soon"]),
    "a boolean that is none": (
        "commands:\n  - shell: a\n    commit_required: perhaps\n",
        ["work.yml:3:22", "perhaps"],
    ),
    "a map where a text belongs": ("commands:\n  - shell: {a: b}\n", ["work.yml:2"]),
    "an unknown word of a closed set": (
        "commands:\n  - shell: a\n    capture: x\n    capture_format: jsn\n",
        ["work.yml:4", "json"],
    ),
    "an expression that does not parse": (
        "commands:\n  - shell: a\n    when: ${x} == == 3\n",
        ["work.yml:3"],
    ),
    "a negative count": ("commands:\n  - shell: a\n    retry: -1\n", ["work.yml:3"]),
    "a foreach without a body": ("commands:\n  - foreach: ls\n", ["work.yml:2", "do"]),
    "write_file without content": (
        "commands:\n  - write_file: {path: a.txt}\n",
        ["work.yml:2", "content"],
    ),
    "goal_seek": ("commands:\n  - goal_seek: {goal: x}\n", ["work.yml:2", "validate"]),
    "both commands and steps": ("commands: ['shell: a']\nsteps: ['shell: b']\n", ["steps"]),
    "a foreign tag": ("commands:\n  - shell: !!python/object:os.system x\n", ["work.yml:2"]),
}


@pytest.mark.parametrize("name", BAD)
def test_a_malformed_workflow_is_refused_with_its_place(world: World, name: str) -> None:
    content, words = BAD[name]
    path = world.repository.parent / "work.yml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    done = world.prodigy("run", path).expect(2)
    for word in words:
        assert word in done.stderr, f"{word!r} is missing:\n{done}"
    assert "Traceback" not in done.stderr
    assert_nothing_was_created(world)


def assert_nothing_was_created(world: World) -> None:
    assert not world.records
    left = list(world.home.root.rglob("*")) if world.home.root.exists() else []
    assert not [path for path in left if path.is_file() and path.name != "index.db"], left
    assert "\n" not in world.git("worktree", "list")
    assert world.git("branch", "--list", "prodigy-*") == ""


def test_all_problems_are_told_at_once_in_order(world: World) -> None:
    text = """\
        commands:
          - shell: a
            claude: b
          - shell: c
            timeout: soon
            commit_requird: true
          - shell: d
            capture_format: jsn
        """
    done = world.run(text).expect(2)
    found = [int(line) for line in re.findall(r"work\.yml:(\d+):\d+", done.stderr)]
    assert found == sorted(found)
    assert {5, 6, 8} <= set(found)
    assert "commit_required" in done.stderr
    assert_nothing_was_created(world)


def test_an_unknown_key_is_a_warning_that_names_the_nearest(world: World) -> None:
    done = world.run("- shell: 'true'\n  tiemout: 5\n").expect(0)
    assert "tiemout" in done.stderr
    assert "timeout" in done.stderr


def test_strict_makes_warnings_errors(world: World) -> None:
    path = world.workflow("- shell: 'true'\n  tiemout: 5\n")
    world.prodigy("run", path, "--strict").expect(2)
    world.prodigy("validate", path, "--strict").expect(2)
    world.prodigy("validate", path).expect(0)


def test_validate_gives_problems_to_programs(world: World) -> None:
    path = world.workflow("commands:\n  - shell: a\n    timeout: soon\n")
    done = world.prodigy("validate", path, "--json").expect(2)
    assert json.loads(done.stdout)
    assert "timeout" in done.stdout


def test_a_missing_workflow_is_not_found(world: World) -> None:
    world.prodigy("run", "nowhere.yml").expect(3)
    assert_nothing_was_created(world)


def test_a_missing_secret_is_refused_before_anything_is_created(world: World) -> None:
    done = world.run("secrets: {KEY: NOT_SET_ANYWHERE}\ncommands: ['shell: x']").expect(2)
    assert "NOT_SET_ANYWHERE" in done.stderr
    assert_nothing_was_created(world)


def test_a_missing_claude_is_refused_before_anything_is_created(
    world: World, tmp_path: Path
) -> None:
    programs = tmp_path / "few-programs"
    programs.mkdir()
    for name in ("git", "sh"):
        found = next(
            Path(place) / name
            for place in ("/usr/bin", "/bin", "/usr/local/bin")
            if (Path(place) / name).exists()
        )
        (programs / name).symlink_to(found)
    path = {"PATH": str(programs)}
    done = world.run("- claude: /look", env=path).expect(1)
    assert "claude" in done.stderr
    assert_nothing_was_created(world)
    world.run("- shell: 'true'", env=path).expect(0)
