"""``prodigy sessions``: list, show, clean."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from app.tui.notes import note
from store.catalog import Catalog
from store.home import Home
from store.manager import SessionManager
from tests.app.cli.calling import CommandLine

MakeSession = Callable[..., str]


def age_record(home: Home, run_id: str, days: int) -> None:
    """Make a finished session look as old as that."""
    path = home.session_file(run_id)
    document = json.loads(path.read_text())
    moment = time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime(time.time() - days * 86_400))
    document |= {"completed_at": moment, "updated_at": moment, "started_at": moment}
    path.write_text(json.dumps(document))


def test_an_empty_home_is_one_sentence_and_no_error(call: CommandLine, home: Home) -> None:
    done = call("sessions", "list").expect(0)
    assert done.stdout == "No sessions yet: prodigy run WORKFLOW starts one.\n"
    assert call("sessions", "list", "--json").document == {"sessions": [], "total": 0}
    assert not home.sessions.exists(), "looking creates nothing but the index"


def test_what_needs_somebody_comes_first(call: CommandLine, make_session: MakeSession) -> None:
    make_session("session-done", end="completed")
    make_session("session-bad", end="failed")
    make_session("session-halt", end="paused")
    rows = call("sessions", "list", "--json").expect(0).document["sessions"]
    assert [row["state"] for row in rows] == ["failed", "paused", "completed"]
    assert [row["attention"] for row in rows] == [True, False, False]


def test_the_table_has_a_row_for_each_session(call: CommandLine, make_session: MakeSession) -> None:
    make_session("session-7c1e4f02", name="fix", end="failed")
    head, row = call("sessions", "ls").expect(0).stdout.splitlines()
    assert head.split() == ["ID", "STATE", "WORKFLOW", "REPO", "STEP", "AGE", "ERROR"]
    assert row.split()[:5] == ["7c1e4f02", "×", "failed", "fix", "api"]
    assert "it broke" in row


def test_a_list_is_cut_and_says_so(call: CommandLine, make_session: MakeSession) -> None:
    for number in range(4):
        make_session(f"session-{number}", end="paused")
    done = call("sessions", "list", "--limit", "3").expect(0)
    assert len(done.stdout.splitlines()) == 4
    assert done.stderr == "3 of 4 (--limit 0 for all)\n"
    assert len(call("sessions", "list", "--limit", "0").stdout.splitlines()) == 5
    assert call("sessions", "list", "--limit", "3", "--json").document["total"] == 4


def test_quiet_leaves_out_heads_and_counts(call: CommandLine, make_session: MakeSession) -> None:
    make_session("session-1", end="paused")
    make_session("session-2", end="paused")
    done = call("sessions", "list", "-q", "--limit", "1").expect(0)
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--status", "failed"), {"session-bad"}),
        (("--status", "Completed,Paused"), {"session-done", "session-halt"}),
        (("--status", "paused,failed"), {"session-halt", "session-bad"}),
        (("--repo", "web"), {"session-halt"}),
        (("--workflow", "fix"), {"session-bad"}),
        (("--search", "BROKE"), {"session-bad"}),
        (("--resumable",), {"session-bad", "session-halt"}),
        (("--since", "5"), {"session-bad", "session-halt", "session-done"}),
        (("--since", "2099-01-01"), set()),
    ],
)
def test_filters_choose(
    call: CommandLine, make_session: MakeSession, arguments: tuple[str, ...], expected: set[str]
) -> None:
    make_session("session-done", end="completed")
    make_session("session-bad", name="fix", end="failed")
    make_session("session-halt", repo="web", end="paused")
    rows = call("sessions", "list", "--json", *arguments).expect(0).document["sessions"]
    assert {row["id"] for row in rows} == expected


def test_no_match_is_said(call: CommandLine, make_session: MakeSession) -> None:
    make_session("session-1", end="paused")
    assert call("sessions", "list", "--repo", "x").expect(0).stdout == "No session matches.\n"


def test_an_unknown_state_names_the_nearest(call: CommandLine) -> None:
    assert (
        "did you mean 'failed'?" in call("sessions", "list", "--status", "faild").expect(2).stderr
    )


def test_an_unreadable_record_is_a_row_and_hides_nothing(
    call: CommandLine, make_session: MakeSession, home: Home
) -> None:
    make_session("session-good", end="paused")
    home.session_file("session-bad").write_text('{"id": ')
    rows = call("sessions", "list", "--json").expect(0).document["sessions"]
    assert {row["id"]: row["state"] for row in rows} == {
        "session-good": "paused",
        "session-bad": "unreadable",
    }
    assert "session-bad" in call("sessions", "show", "session-bad").expect(0).stdout


def test_the_session_object_has_every_key(call: CommandLine, make_session: MakeSession) -> None:
    make_session("session-1", end="failed")
    (row,) = call("sessions", "list", "--json").expect(0).document["sessions"]
    keys = """id workflow_id job_id workflow repo path branch worktree status state attention step
        step_index total_steps step_name iteration started_at updated_at state_since
        duration_seconds error resumable reason merge items usage next"""
    assert set(row) == set(keys.split())
    assert set(row["merge"]) == {"state", "target", "commits"}
    assert set(row["usage"]) == {"input_tokens", "output_tokens", "cost_usd"}
    assert row["started_at"].endswith("Z")
    assert row["step"] == row["step_index"] + 1


def test_show_tells_steps_and_what_is_next(call: CommandLine, failed: str) -> None:
    shown = call("sessions", "show", failed).expect(0).stdout
    assert "✓ 1 shell: echo one" in shown
    assert "✓ 2 keep a file" in shown
    assert "1 commit" in shown
    assert "× 3 the last one" in shown
    assert "prodigy resume" in shown
    document = call("sessions", "show", failed, "--json").expect(0).document
    assert [step["state"] for step in document["steps"]] == ["done", "done", "failed"]
    assert document["checkpoint"]["step_index"] == 2
    assert document["attempts"][0]["outcome"] == "failed"


def test_show_failure_tells_the_end_of_the_output(call: CommandLine, failed: str) -> None:
    shown = call("sessions", "show", failed, "--failure").expect(0).stdout
    assert "step 3 of 3: the last one" in shown
    assert "  three" in shown
    document = call("sessions", "show", failed, "--failure", "--json").document
    assert document["failure"]["output"] == ["three"]


def test_what_was_interrupted_did_not_fail(
    call: CommandLine, make_session: MakeSession, home: Home
) -> None:
    run_id = make_session("session-cut")
    SessionManager(home).start_session(run_id)
    path = home.session_file(run_id)
    document = json.loads(path.read_text())
    document["metadata"]["x_prodigy"]["step"] = {"index": 0, "label": "shell: make", "attempt": 1}
    path.write_text(json.dumps(document))
    shown = call("sessions", "show", run_id, "--failure").expect(0).stdout
    assert shown.split("\n")[0].split() == "interrupted in step 1 of 4: shell: make".split()
    assert "failed" not in shown


@pytest.mark.parametrize(("fails", "resumable"), [(True, True), (False, False)])
def test_an_unreadable_record_is_resumable_if_a_resume_would_go_on(
    call: CommandLine, workflow: Callable[..., str], home: Home, fails: bool, resumable: bool
) -> None:
    path = workflow(f"- shell: 'true'\n- shell: exit {4 * fails}\n")
    run_id = call("run", path, "--json").expect(int(fails)).document["id"]
    home.session_file(run_id).write_text('{"id": ')
    document = call("sessions", "show", run_id, "--json").expect(0).document
    assert (document["state"], document["resumable"]) == ("unreadable", resumable)
    following = f"prodigy resume {run_id.removeprefix('session-')[:8]}"
    assert document["next"] == (following if resumable else None)
    assert ("already complete" in call("resume", run_id).stderr) is not resumable


def test_attempts_are_counted_in_their_pass(
    call: CommandLine, workflow: Callable[..., str], home: Home
) -> None:
    path = workflow(
        """\
        - shell: echo first
        - shell: "test -e $ARG || { touch $ARG; test $ARG = a; }"
          retry: {attempts: 2, initial_delay: 1ms}
        - shell: test $ARG = a
        """
    )
    said = call("run", path, "--args", "a", "--args", "b").expect(1).stdout
    assert said.count("(attempt 2)") == 1
    assert "attempt 3" not in said
    catalog = Catalog(home, use_index=False)
    catalog.refresh()
    (row,) = catalog.rows()
    assert "attempt" not in note(row._replace(step_attempt=2), 0)
    assert "attempt 2" in note(row._replace(step_attempt=2, pass_number=0), 0)
    first, second, _ = call("sessions", "show", row.id, "--json").expect(0).document["steps"]
    assert [(step["attempt"], step["tries"]) for step in (first, second)] == [(2, 1), (3, 2)]
    shown = call("sessions", "show", row.id).expect(0).stdout
    assert shown.count("attempt ") == shown.count("attempt 2") == 1


def test_a_report_can_be_kept(call: CommandLine, failed: str) -> None:
    report = call("sessions", "show", failed, "--report", "md").expect(0).stdout
    assert "| 3 | the last one | failed |" in report
    rows = call("sessions", "show", failed, "--report", "csv").expect(0).stdout.splitlines()
    assert rows[0].startswith("step,name,state")
    assert len(rows) == 4


def test_here_means_the_repository_of_this_directory(
    call: CommandLine, make_session: MakeSession, failed: str
) -> None:
    make_session("session-elsewhere", repo="elsewhere", end="paused")
    rows = call("sessions", "list", "--here", "--json").expect(0).document["sessions"]
    assert [row["id"] for row in rows] == [failed]


def test_here_outside_a_repository_is_an_error(
    call: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "git repository" in call("sessions", "list", "--here").expect(1).stderr


# -- clean


def test_clean_removes_old_finished_sessions_only(
    call: CommandLine, make_session: MakeSession, home: Home
) -> None:
    for run_id, end in (("old", "completed"), ("gone", "cancelled"), ("bad", "failed"),
                        ("halt", "paused")):  # fmt: skip
        make_session(f"session-{run_id}", end=end)
        age_record(home, f"session-{run_id}", 40)
    make_session("session-young", end="completed")
    done = call("sessions", "clean", "--force").expect(0)
    assert done.stdout.startswith("removed 2 sessions; keeping ")
    left = {path.stem for path in home.sessions.glob("*.json")}
    assert left == {"session-bad", "session-halt", "session-young"}
    assert not home.run_directory("session-old").exists()


def test_clean_all_takes_any_age_and_completed_only_completed(
    call: CommandLine, make_session: MakeSession, home: Home
) -> None:
    make_session("session-done", end="completed")
    make_session("session-no", end="cancelled")
    call("sessions", "clean", "--all", "--completed", "-f").expect(0)
    assert {path.stem for path in home.sessions.glob("*.json")} == {"session-no"}
    call("sessions", "clean", "--all", "-f").expect(0)
    assert not list(home.sessions.glob("*.json"))


def test_a_filter_of_the_dashboard_lists_the_same(
    call: CommandLine, make_session: MakeSession, home: Home
) -> None:
    make_session("session-0001", name="fix issue", end="failed")
    make_session("session-0002", name="fix", end="completed")
    home.config.write_text("dashboard:\n  filters:\n    night: status:failed\n", encoding="utf-8")

    def listed(*words: str) -> list[str]:
        found = call("sessions", "list", "--json", *words).expect(0).document
        assert found["total"] >= len(found["sessions"])
        return sorted(one["id"] for one in found["sessions"])

    assert listed("--filter", "fix") == ["session-0001", "session-0002"]
    assert listed("--filter", 'workflow:"fix"') == ["session-0002"]
    assert listed("--filter", "@night it") == ["session-0001"]
    assert listed("--filter", "fix", "--status", "failed") == ["session-0001"]
    assert len(listed("--filter", "fix", "--limit", "1")) == 1
    assert (
        "no status nonsense"
        in call("sessions", "list", "--filter", "status:nonsense").expect(2).stderr
    )


def test_clean_keeps_what_is_not_merged(call: CommandLine, completed: str, home: Home) -> None:
    done = call("sessions", "clean", "--all", "-f").expect(0)
    assert "1 unmerged" in done.stdout
    assert home.session_file(completed).exists()


def test_a_dry_run_of_clean_changes_nothing(
    call: CommandLine, make_session: MakeSession, home: Home
) -> None:
    make_session("session-done", end="completed")
    before = _content(home.root)
    done = call("sessions", "clean", "--all", "--dry-run").expect(0)
    assert "would remove 1 session" in done.stdout
    assert _content(home.root) == before


def test_clean_without_anybody_to_ask_changes_nothing(
    call: CommandLine, make_session: MakeSession, home: Home
) -> None:
    make_session("session-done", end="completed")
    done = call("sessions", "clean", "--all").expect(0)
    assert "nobody to ask" in done.stderr
    assert home.session_file("session-done").exists()


def _content(directory: Path) -> dict[str, bytes]:
    return {
        str(path): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file() and not path.name.startswith("index.db") and os.access(path, os.R_OK)
    }
