"""Commits a step must make or that are made for it, its outputs, and what git says of a step."""

from __future__ import annotations

import pytest

from tests.orchestrator.engine.runs import RunWorkflow, git

COMMIT = "git commit -q --allow-empty -m by-step"


@pytest.mark.parametrize(
    "step",
    [
        f"shell: '{COMMIT}'",
        f"shell: 'exit 1'\n  on_failure: '{COMMIT}'",
        f"shell: 'true'\n  validate: {{shell: 'test -e f',"
        f" on_incomplete: {{shell: 'touch f; {COMMIT}'}}}}",
        "shell: 'echo x >f'\n  auto_commit: true",
    ],
)
def test_whoever_commits_a_required_commit_is_there(run_workflow: RunWorkflow, step: str) -> None:
    ran = run_workflow(f"- {step}\n  commit_required: true\n").completed()
    assert ran.result.commits == 1
    assert ran.step(0)["x_prodigy"]["commits"] == 1


def test_a_missing_commit_fails_the_step(run_workflow: RunWorkflow) -> None:
    run_workflow(
        """
        - shell: "echo x >f"
          name: Work
          commit_required: true
          on_failure: "git commit -q --allow-empty -m too-late"
        """
    ).failed("Step 'Work' has commit_required=true but no commits were created")


def test_the_check_can_be_left_out(run_workflow: RunWorkflow) -> None:
    run_workflow(
        """
        - {shell: "true", commit_required: true, when: "false"}
        - {shell: "exit 1", commit_required: true, on_failure: true}
        """
    ).completed()
    run_workflow(
        '[{shell: "true", commit_required: true}]',
        env={"PRODIGY_NO_COMMIT_VALIDATION": "true"},
    ).completed()


def test_what_a_step_left_is_committed_for_it(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        """
        - {shell: "true", name: Nothing, auto_commit: true}
        - {shell: "echo x >a.txt", name: Plain, auto_commit: true}
        - shell: "mkdir src; echo x >src/b.py; echo x >c.log; echo x >d.py"
          name: Chosen
          auto_commit: true
          commit_config:
            message_template: "add ${step.files_added} for ${step.name}"
            message_pattern: "^add "
            author: "A Person <a@localhost>"
            include_files: ["*.py", "*.log"]
            exclude_files: "d.*"
        - shell: "git status --porcelain >>trace"
        """
    ).completed()
    history = git(ran.worktree, "log", "--format=%an|%s", "--reverse", "main..HEAD").split("\n")
    assert history == [
        "Test Person|Auto-commit: Plain",
        "A Person|add c.log d.py src/b.py for Chosen",
    ]
    assert git(ran.worktree, "show", "--format=", "--name-only").split() == ["c.log", "src/b.py"]


def test_a_message_that_does_not_fit_its_pattern_fails_the_step(run_workflow: RunWorkflow) -> None:
    run_workflow(
        """
        - shell: "echo x >a.txt"
          auto_commit: true
          commit_config: {message_pattern: "^feat: "}
        """
    ).failed("does not match", "^feat: ")


def test_the_commits_of_a_step_are_joined_into_one(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        f"""
        - shell: "{COMMIT}"
        - shell: "{COMMIT}; echo a >a; git add a; git commit -qm two; echo b >b"
          auto_commit: true
          commit_config: {{squash: true, message_template: "all of it",
                          author: "A Person <a@localhost>"}}
        """
    ).completed()
    history = git(ran.worktree, "log", "--format=%an|%s", "main..HEAD").split("\n")
    assert history == ["A Person|all of it", "Test Person|by-step"]
    assert git(ran.worktree, "show", "--format=", "--name-only").split() == ["a", "b"]


def test_a_hook_that_refuses_the_commit_fails_the_step(run_workflow: RunWorkflow) -> None:
    run_workflow(
        """
        - shell: |
            hooks=$(git rev-parse --git-common-dir)/hooks; mkdir -p $hooks
            printf '#!/bin/sh\\necho the hook says no >&2; exit 1\\n' >$hooks/pre-commit
            chmod +x $hooks/pre-commit; echo x >a.txt
          auto_commit: true
        """
    ).failed("the hook says no")


def test_outputs_are_the_first_files_that_fit(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        """
        - shell: "mkdir docs; echo 1 >docs/a.md; echo 1 >b.md; echo changed >>README.md"
          id: made
          outputs:
            glob: "*.md"
            path: {file_pattern: "docs/*.md"}
            part: "READ"
        - shell: "echo ${made.glob} ${made.path} ${made.part} >>trace"
        - {shell: "true", outputs: {none: "*.md"}}
        """
    ).failed("No files found matching pattern '*.md'")
    assert ran.lines() == ["b.md docs/a.md README.md"]


def test_git_says_what_the_previous_step_and_the_run_changed(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        """
        - shell: |
            mkdir src; echo 1 >src/a.rs; echo 1 >'b c.rs'; printf '1\\n2\\n' >é.txt
            echo ignored >.ignored; echo .ignored >.gitignore; git add .; git commit -qm first
            git mv src/a.rs src/z.rs; rm README.md; echo 2 >>é.txt
        - shell: |
            cat >$OUT/one <<'END'
            ${step.files_added}
            ${step.files_added:*.rs:json}
            ${step.files_added:src/*:lines}
            ${step.files_deleted} ${step.commit_count} ${step.files_modified|length}
            ${git.branch|length} ${git.modified_files:lines|length}
            END
          env: {OUT: "${PROJECT_ROOT}/.."}
        - shell: |
            echo "${step.files_changed|length} ${workflow.commit_count}" >$OUT/two
            echo "${workflow.files_added:json}" >>$OUT/two
          env: {OUT: "${PROJECT_ROOT}/.."}
          when: "${workflow.files_added:*.rs}"
        - {shell: "echo never", when: "${workflow.files_added:*.py}", id: never}
        """
    ).completed()
    one = (ran.worktree.parent / "one").read_text().split("\n")
    assert one[0] == ".gitignore b c.rs src/z.rs é.txt"
    assert one[1] == '["b c.rs","src/z.rs"]'
    assert one[2] == "src/z.rs"
    assert one[3] == "README.md 1 0"
    two = (ran.worktree.parent / "two").read_text().split("\n")
    assert two[0] == "0 1"
    assert two[1].count("rs") == 2
    assert ran.step(0)["x_prodigy"]["git"]["step.files_deleted"] == ["README.md"]
    assert ran.step(3)["x_prodigy"]["skipped"]


def test_a_handler_sees_what_its_own_step_changed(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        """
        - shell: "echo 1 >before.txt"
        - shell: "echo 1 >mine.txt; exit 1"
          on_failure: "echo ${step.files_added} >>../handler"
          on_success: {shell: "echo ${step.files_added} ${git.modified_files} >>../success"}
          on_exit_code: {1: "echo ${step.files_added} >>../code"}
        """
    ).completed()
    beside = ran.worktree.parent
    assert (beside / "handler").read_text() == "mine.txt\n"
    assert (beside / "success").read_text() == "mine.txt before.txt mine.txt\n"
    assert (beside / "code").read_text() == "mine.txt\n"


def test_globs_are_those_of_git(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        """
        - shell: "mkdir -p src/deep; touch a.rs src/b.rs src/deep/c.rs x"
        - shell: |
            echo "${step.files_added:*.rs}" >>../globs
            echo "${step.files_added:src/*}" >>../globs
            echo "${step.files_added:src/**}" >>../globs
            echo "${step.files_added:**/x}" >>../globs
            echo "${step.files_added:*.py}" >>../globs
        """
    ).completed()
    assert (ran.worktree.parent / "globs").read_text().split("\n") == [
        "a.rs src/b.rs src/deep/c.rs",
        "src/b.rs",
        "src/b.rs src/deep/c.rs",
        "x",
        "",
        "",
    ]
