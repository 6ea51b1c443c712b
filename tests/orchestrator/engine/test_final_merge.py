"""The final merge of a run that was completed: whether, how, and what it leaves."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest

from orchestrator.reporting import MergeFinished, MergeStarted, RunEvent
from tests.orchestrator.engine.runs import Ran, Runner, RunWorkflow, git

COMMIT = "echo theirs >made.txt; git add .; git commit -qm made"


def assert_merged(ran: Ran) -> None:
    assert ran.result.state == "merged", ran.result
    assert ran.result.exit_code == 0
    assert ran.record["metadata"]["merge"] == "merged"
    assert ran.metadata["merged"] is True
    assert not ran.worktree.exists()
    assert ran.result.branch not in git(ran.repository, "branch", "--list")
    assert ran.metadata["status"] == "cleaned_up"


def assert_merge_failed(ran: Ran, *words: str) -> None:
    assert ran.result.state == "merge_failed", ran.result
    assert ran.result.exit_code == 1
    assert ran.record["status"] == "Completed"
    assert ran.record["metadata"]["merge"] == "failed"
    assert ran.worktree.exists()
    assert ran.result.next_command == f"prodigy merge {ran.id}"
    for word in words:
        assert word in ran.record["metadata"]["x_prodigy"]["merge"]["error"]
    assert ran.events("merge_finished")[-1]["state"] == "failed"


def test_a_wanted_merge_moves_the_users_checkout_forward(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(f'- shell: "{COMMIT}"', merge=True)
    assert_merged(ran)
    assert (ran.repository / "made.txt").read_text() == "theirs\n"
    assert git(ran.repository, "status", "--porcelain") == ""
    assert [event.target for event in ran.of(MergeStarted)] == ["main"]
    assert [event.state for event in ran.of(MergeFinished)] == ["merged"]
    merged = ran.record["metadata"]["x_prodigy"]["merge"]
    assert merged["commit"] == git(ran.repository, "rev-parse", "main")


def test_the_timeline_says_how_many_commits_a_merge_brings(run_workflow: RunWorkflow) -> None:
    step = 'shell: "date +%N >>made.txt", auto_commit: true'
    ran = run_workflow(f"[{{{step}}}, {{{step}}}]", merge=True).completed()
    (started,) = ran.events("merge_started")
    assert (started["target"], started["commits"]) == ("main", 2)


def test_a_target_that_moved_on_gets_a_merge_commit(run_workflow: Runner) -> None:
    ran = run_workflow(
        f"""
        - shell: "{COMMIT}"
        - shell: "cd $REPO && echo ours >ours.txt && git add . && git commit -qm ours"
        """,
        env={"REPO": str(run_workflow.repository)},
        merge=True,
    )
    assert_merged(ran)
    assert git(ran.repository, "log", "--format=%p", "-1").count(" ") == 1
    assert (ran.repository / "ours.txt").exists()
    assert (ran.repository / "made.txt").exists()


def test_a_target_that_is_checked_out_nowhere_is_moved_too(run_workflow: Runner) -> None:
    ran = run_workflow(
        f"""
        - shell: "{COMMIT}"
        - shell: "cd $REPO && git checkout -q -b other"
        """,
        env={"REPO": str(run_workflow.repository)},
        merge=True,
    )
    assert_merged(ran)
    assert git(ran.repository, "show", "main:made.txt") == "theirs"
    assert not (ran.repository / "made.txt").exists(), "the user is on another branch"


@pytest.mark.parametrize("committed", [True, False])
def test_a_conflict_leaves_the_target_and_the_users_files_as_they_are(
    run_workflow: Runner, committed: bool
) -> None:
    ending = "git add . && git commit -qm ours" if committed else "true"
    ran = run_workflow(
        f"""
        - shell: "{COMMIT}"
        - shell: "cd $REPO && echo ours >made.txt && {ending}"
        """,
        env={"REPO": str(run_workflow.repository)},
        merge=True,
    )
    assert_merge_failed(ran, "made.txt")
    assert (ran.repository / "made.txt").read_text() == "ours\n"
    assert git(ran.worktree, "status", "--porcelain") == "", "no merge is left under way"


def test_an_agent_may_resolve_a_conflict(
    run_workflow: Runner, fake_claude: Path, tmp_path: Path
) -> None:
    commands = tmp_path / "user" / ".claude" / "commands"
    commands.mkdir(parents=True)
    (commands / "prodigy-merge-worktree.md").write_text("merge it")
    solve = "git checkout --theirs made.txt; git add .; git commit -qm solved"
    (tmp_path / "bin" / "claude").write_text(
        f'#!/bin/sh\n{solve} >&2\necho \'{{"type": "result", "result": "ok", "usage": {{}},'
        ' "total_cost_usd": 0.5}\'\n'
    )
    ran = run_workflow(
        f"""
        - shell: "{COMMIT}"
        - shell: "cd $REPO && echo ours >made.txt && git add . && git commit -qm ours"
        """,
        env={"REPO": str(run_workflow.repository)},
        merge=True,
    )
    assert_merged(ran)
    assert (ran.repository / "made.txt").read_text() == "ours\n"
    assert ran.record["metadata"]["x_prodigy"]["usage"]["cost_usd"] == 0.5


def test_a_run_from_a_detached_head_is_not_merged_by_guessing(run_workflow: Runner) -> None:
    git(run_workflow.repository, "checkout", "-q", "--detach")
    ran = run_workflow(f'- shell: "{COMMIT}"', merge=True).completed()
    assert ran.result.state == "unmerged"
    assert ran.record["metadata"]["merge"] == "pending"
    assert any("detached HEAD" in words for words in ran.warnings)
    assert ran.metadata["original_branch"] == ""


def test_a_run_without_commits_has_nothing_to_merge(run_workflow: RunWorkflow) -> None:
    asked: list[str] = []
    ran = run_workflow(
        '- shell: "true"', merge=None, ask_merge=lambda *words: asked.append(str(words))
    ).completed()
    assert ran.result.state == "completed"
    assert asked == []
    assert "merge" not in ran.record["metadata"]


@pytest.mark.parametrize(
    ("answer", "state", "merge", "response"),
    [
        (True, "merged", "merged", "yes"),
        (False, "unmerged", "declined", "no"),
        (None, "unmerged", "pending", None),
    ],
)
def test_only_a_person_who_says_no_declines(
    run_workflow: Runner, answer: bool | None, state: str, merge: str, response: str | None
) -> None:
    asked: list[tuple[str, str]] = []

    def ask(worktree: str, target: str) -> bool | None:
        asked.append((worktree, target))
        return answer

    ran = run_workflow(f'- shell: "{COMMIT}"', merge=None, ask_merge=ask)
    assert asked == [(ran.id, "main")]
    assert (ran.result.state, ran.result.exit_code) == (state, 0)
    assert ran.record["metadata"]["merge"] == merge
    assert ran.metadata["merge_prompt_shown"] is (response is not None)
    assert ran.metadata["merge_prompt_response"] == response
    assert "waiting" not in ran.record["metadata"]["x_prodigy"]


def test_nobody_is_asked_without_a_question(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(f'- shell: "{COMMIT}"', merge=None).completed()
    assert ran.result.state == "unmerged"
    assert ran.result.next_command == f"prodigy merge {ran.id}"
    assert ran.record["metadata"]["merge"] == "pending"


def test_the_steps_of_a_merge_block_do_all_of_it(run_workflow: Runner) -> None:
    ran = run_workflow(
        f"""
        env: {{SHARED: from-env}}
        commands:
          - shell: "{COMMIT}; echo 2 >two.txt; git add .; git commit -qm second"
        merge:
          - shell: |
              cat >../merge-variables <<'END'
              ${{merge.worktree}} ${{merge.session_id}}
              ${{merge.source_branch}} ${{merge.target_branch}}
              ${{merge.commit_count}} ${{merge.commit_ids}}
              ${{merge.commits[0].message}} ${{merge.commits[0].author.email}}
              ${{merge.file_count}} ${{merge.file_list}}
              ${{merge.modified_files[0].modification_type}} ${{merge.modified_files[0].size_after}}
              END
              echo $SHARED $PRODIGY_AUTOMATION >>../merge-variables
          - shell: "exit 3"
            on_failure: "echo handled >>../merge-variables"
          - shell: >-
              cd $REPO && git merge -q --squash ${{merge.source_branch}} && git commit -qm squashed
        """,
        env={"REPO": str(run_workflow.repository)},
        merge=True,
    )
    lines = (ran.worktree.parent / "merge-variables").read_text().split("\n")
    assert lines[0] == f"{ran.id} {ran.id}"
    assert lines[1] == f"{ran.result.branch} main"
    assert lines[2].startswith("2 ")
    assert lines[2].count(", ") == 1
    assert lines[3] == "second test@localhost"
    assert lines[4] == "2 made.txt, two.txt"
    assert lines[5] == "added 7"
    assert lines[6:8] == ["from-env true", "handled"]
    assert_merged(ran)
    assert git(ran.repository, "log", "--format=%s").split("\n") == ["squashed", "begin"]


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ('["shell: true"]', "does not have all of"),
        ('["shell: echo why >&2; exit 4", "shell: touch ../never"]', "exit code 4"),
        ('{commands: ["shell: sleep 60"], timeout: 300ms}', "timed out"),
        ('{commands: ["shell: true"], timeout: "${NOWHERE}"}', "is not a duration"),
    ],
)
def test_a_merge_block_is_believed_only_when_the_target_has_the_work(
    run_workflow: RunWorkflow, block: str, words: str
) -> None:
    ran = run_workflow(
        f"""
        commands: [{{shell: "{COMMIT}"}}]
        merge: {block}
        """,
        merge=True,
    )
    assert_merge_failed(ran, words)
    assert not (ran.worktree.parent / "never").exists()


def test_a_failed_merge_says_nothing_secret(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        f"""
        secrets: {{KEY: KEY}}
        commands: [{{shell: "{COMMIT}"}}]
        merge: ["shell: echo $KEY >&2; exit 1"]
        """,
        env={"KEY": "very-secret-value"},
        merge=True,
    )
    assert_merge_failed(ran, "***")
    assert "very-secret-value" not in ran.home.session_file(ran.id).read_text()


def test_many_files_and_commits_are_counted_right(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        """
        commands:
          - shell: |
              for n in $(seq 600); do echo $n >f$n.txt; done; git add .; git commit -qm files
              for n in $(seq 120); do git commit -q --allow-empty -m $n; done
        merge:
          - shell: |
              echo '${merge.file_count} ${merge.commit_count}' >../counts
              echo '${merge.commits|length} ${merge.modified_files|length}' >>../counts
              echo '${merge.file_list}' | tr , '\\n' | wc -l >>../counts
        """,
        merge=True,
    )
    counts = (ran.worktree.parent / "counts").read_text().split()
    assert counts == ["600", "121", "100", "500", "600"]


def test_a_merge_that_is_stopped_may_be_done_again(run_workflow: Runner) -> None:
    def interrupt(event: RunEvent) -> None:
        if isinstance(event, MergeStarted):
            threading.Timer(0.4, _interrupt_main).start()

    run_workflow.listen = interrupt
    ran = run_workflow(
        f"""
        commands: [{{shell: "{COMMIT}"}}]
        merge: ["shell: sleep 60"]
        """,
        merge=True,
    )
    assert ran.result.state == "unmerged"
    assert ran.result.exit_code == 130
    assert ran.record["status"] == "Completed"
    assert ran.record["metadata"]["merge"] == "pending"
    assert ran.result.next_command == f"prodigy merge {ran.id}"


def _interrupt_main() -> None:
    os.kill(os.getpid(), signal.SIGINT)
