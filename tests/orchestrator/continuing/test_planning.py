"""The resume plan: what is kept, what runs again, what refuses, as a pure function of facts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.resume_plan import (
    Action,
    DoneStep,
    ResumeOptions,
    ResumePlan,
    RunFacts,
    Verdict,
    plan_resume,
)
from store.states import State

K, A, R, S = Action.KEEP, Action.RUN_AGAIN, Action.RUN, Action.SKIP
ID = "session-7c1e"
HELD = "running here since 09:02 (process 41822)"


def facts_of(index: int = 2, total: int = 4, **changes: Any) -> RunFacts:
    """A run of so many steps that failed in the one of that index."""
    given: dict[str, Any] = {
        "session_id": ID,
        "state": State.FAILED,
        "labels": tuple(f"step-{number}" for number in range(1, total + 1)),
        "done": {number: DoneStep() for number in range(index)},
        "index": index,
        "failed": True,
        "failure_words": "it failed: exit 2",
        "in_flight_words": "it was interrupted",
        "head": "a" * 40,
        "recorded_head": "a" * 40,
    }
    return RunFacts(**(given | changes))


def plan(facts: RunFacts, **options: Any) -> ResumePlan:
    return plan_resume(facts, ResumeOptions(**options))


def actions(found: ResumePlan) -> list[Action]:
    return [step.action for step in found.steps]


@pytest.mark.parametrize(
    ("facts", "options", "start", "expected", "sentence"),
    [
        (facts_of(), {}, 2, [K, K, A, R],
         "Step 3 runs again, then 4. Steps 1 and 2 are kept."),
        (facts_of(0), {}, 0, [A, R, R, R], "Step 1 runs again, then 2–4."),
        (facts_of(3), {}, 3, [K, K, K, A], "Step 4 runs again. Steps 1–3 are kept."),
        (facts_of(1, failed=False, in_flight=True, state=State.INTERRUPTED), {}, 1, [K, A, R, R],
         "Step 2 runs again, then 3 and 4. Step 1 is kept."),
        (facts_of(1, failed=False, state=State.PAUSED), {}, 1, [K, R, R, R],
         "Step 2 runs, then 3 and 4. Step 1 is kept."),
        (facts_of(4, failed=False, state=State.INTERRUPTED), {}, 4, [K, K, K, K],
         "Every step is done. Nothing runs again; the session is completed."),
        (facts_of(4, failed=False, passes_left=2), {}, 4, [K, K, K, K],
         "Every step of this pass is done. The next pass begins at step 1."),
        (facts_of(4, failed=False, passes_left=2, passes_after="2 more inputs"), {}, 4,
         [K, K, K, K],
         "Every step of this pass is done. The next pass begins at step 1. 2 more inputs to go."),
        (facts_of(1, 2, passes_left=1, passes_after="1 more input (three)"), {}, 1, [K, A],
         "Step 2 runs again. Step 1 is kept. Then all steps run for 1 more input (three)."),
        (facts_of(), {"restart": True}, 0, [A, A, A, R],
         "Step 1 runs again, then 2–4."),
        (facts_of(), {"from_step": 2}, 1, [K, A, A, R],
         "Step 2 runs again, then 3 and 4. Step 1 is kept."),
        (facts_of(), {"from_step": 3}, 2, [K, K, A, R],
         "Step 3 runs again, then 4. Steps 1 and 2 are kept."),
        (facts_of(), {"skip_step": 3}, 2, [K, K, S, R],
         "Step 4 runs. Steps 1 and 2 are kept. Step 3 is skipped."),
        (facts_of(3), {"skip_step": 4}, 3, [K, K, K, S],
         "No other step is left. Nothing runs again; the session is completed. Step 4 is skipped."),
        (facts_of(), {"from_step": 4, "force": True}, 3, [K, K, S, R],
         "Step 4 runs. Steps 1 and 2 are kept. Step 3 is skipped."),
        (facts_of(1), {"from_step": 4, "force": True}, 3, [K, S, S, R],
         "Step 4 runs. Step 1 is kept. Steps 2 and 3 are skipped."),
        (facts_of(done={}), {}, 2, [K, K, A, R],
         "Step 3 runs again, then 4. Steps 1 and 2 are kept."),
        (facts_of(0, has_checkpoint=False, failed=False), {}, 0, [R, R, R, R],
         "Step 1 runs, then 2–4."),
    ],
)  # fmt: skip
def test_the_plan_says_what_becomes_of_every_step(
    facts: RunFacts, options: dict[str, Any], start: int, expected: list[Action], sentence: str
) -> None:
    found = plan(facts, **options)
    assert found.can_go_on, (found.impossible, found.needs_force)
    assert (found.start, actions(found), found.sentence) == (start, expected, sentence)
    assert all(step.why for step in found.steps)


def test_what_a_loop_has_done_is_kept_unless_it_begins_anew() -> None:
    facts = facts_of(1, items_kept="2 of 4 items are done and kept")
    assert plan(facts).steps[1].why == "it failed: exit 2; 2 of 4 items are done and kept"
    for options in ({"restart": True}, {"from_checkpoint": "1"}):
        assert all("items" not in step.why for step in plan(facts, **options).steps)


@pytest.mark.parametrize(
    ("facts", "options", "words", "instead"),
    [
        (facts_of(live_holder=HELD), {}, f"it is {HELD}.", f"prodigy pause {ID}"),
        (facts_of(live_holder=HELD), {"force": True}, f"it is {HELD}.", f"prodigy pause {ID}"),
        (facts_of(cancelled=True), {}, "cancelled", "prodigy run WORKFLOW"),
        (facts_of(cancelled=True), {"force": True, "restart": True}, "cancelled", "prodigy run WO"),
        (facts_of(4, finished=True, failed=False), {}, "already complete", "prodigy sessions show"),
        (facts_of(4, finished=True, failed=False), {"restart": True}, "already complete", ""),
        (facts_of(4, finished=True, failed=False), {"force": True}, "already complete", ""),
        (facts_of(4, finished=True, merge_open=True), {}, "the merge is open", "prodigy merge"),
        (facts_of(4, finished=True, merged=True), {"force": True, "restart": True}, "complete", ""),
        (facts_of(workflow_missing="no workflow"), {}, "no workflow", "prodigy run WORKFLOW"),
        (facts_of(worktree_present=False, branch_present=False), {"force": True}, "gone", ""),
        (facts_of(read_only="format 2"), {"force": True}, "format 2", "prodigy sessions show"),
        (facts_of(), {"from_step": 5, "force": True}, "no step 5; it has 4", ""),
        (facts_of(), {"from_step": 0}, "no step 0", ""),
        (facts_of(), {"skip_step": 9}, "no step 9", ""),
        (facts_of(7), {}, "no step 8", ""),
    ],
)
def test_what_cannot_be_resumed_is_said_with_what_would_work(
    facts: RunFacts, options: dict[str, Any], words: str, instead: str
) -> None:
    found = plan(facts, **options)
    assert not found.can_go_on
    assert found.impossible is not None
    assert words in found.sentence, found.sentence
    assert found.sentence.startswith("This cannot be resumed: ")
    assert instead in (found.instead or "")


@pytest.mark.parametrize(
    ("facts", "options", "words"),
    [
        (facts_of(owner_unknown="its owner is on orion"), {}, "its owner is on orion"),
        (facts_of(head_moved_away=True), {}, "moved away from aaaaaaaa"),
        (facts_of(), {"from_step": 4}, "step 3 is not done and would be left out"),
        (facts_of(changed_done_steps=(0, 1)), {"use_file": True}, "differ in the file on disk: 1"),
        (facts_of(lost_variables=("log",)), {}, "not whole any more: log"),
    ],
)
def test_force_passes_exactly_what_the_plan_names(
    facts: RunFacts, options: dict[str, Any], words: str
) -> None:
    refused = plan(facts, **options)
    (named,) = refused.needs_force
    assert words in named
    assert not refused.can_go_on
    forced = plan(facts, **options, force=True)
    assert forced.can_go_on
    assert (forced.start, forced.steps) == (refused.start, refused.steps)


def test_a_restore_needs_no_force_for_a_head_that_moved_away() -> None:
    assert plan(facts_of(head_moved_away=True), restore=True).can_go_on


def test_changes_of_done_steps_matter_only_when_the_file_is_used() -> None:
    assert plan(facts_of(changed_done_steps=(0,))).can_go_on


@pytest.mark.parametrize("options", [{"restart": True}, {"from_step": 2}])
def test_a_completed_run_is_reopened_only_by_force_and_a_choice(options: dict[str, Any]) -> None:
    done = facts_of(4, finished=True, failed=False, state=State.UNMERGED, merge_open=True)
    assert not plan(done, **options).can_go_on
    reopened = plan(done, **options, force=True)
    assert reopened.can_go_on
    assert reopened.rewinds


def test_the_command_repeats_every_choice() -> None:
    found = plan(facts_of(), from_step=2, restore=True, use_file=True, merge=True)
    assert found.command == f"prodigy resume {ID} --from-step 2 --use-file --restore --yes"
    found = plan(facts_of(), from_checkpoint="3", skip_step=4, force=True, merge=False)
    assert found.command == (
        f"prodigy resume {ID} --from-checkpoint 3 --skip-step 4 --force --no-merge"
    )


def check(facts: RunFacts, name: str) -> tuple[Verdict, str]:
    (found,) = (check for check in plan(facts).checks if check.name == name)
    return found.verdict, found.words


@pytest.mark.parametrize(
    ("changes", "name", "verdict", "words"),
    [
        ({}, "Worktree", Verdict.OK, "at aaaaaaaa as recorded, clean"),
        ({"uncommitted": 1}, "Worktree", Verdict.WARN, "1 uncommitted file kept"),
        ({"head": "b" * 40, "commits_since": 2}, "Worktree", Verdict.WARN, "left 2 commits"),
        ({"operation": "rebase"}, "Worktree", Verdict.WARN, "a rebase is in progress"),
        ({"worktree_present": False}, "Worktree", Verdict.WARN, "it is made again"),
        ({"has_checkpoint": False}, "Checkpoint", Verdict.WARN, "no step has run"),
        ({"checkpoint_seq": 4}, "Checkpoint", Verdict.OK, "#4 before step 3"),
        ({"checkpoint_problems": ("x: torn",)}, "Checkpoint", Verdict.WARN, "not used: x: torn"),
        ({"changed_on_disk": True, "changed_steps": (3,)}, "Workflow", Verdict.WARN, "(step 4)"),
        ({"file_on_disk_used": True}, "Workflow", Verdict.WARN, "file on disk is used"),
        ({"lost_variables": ("a", "b")}, "Variables", Verdict.WARN, "whole: a, b"),
        ({"survivors": ((7, "sleep"),)}, "Process", Verdict.WARN, "ended first: 7 sleep"),
        ({"missing_programs": ("claude",)}, "Environment", Verdict.WARN, "programs claude"),
    ],
)
def test_what_was_looked_at_is_said(
    changes: dict[str, Any], name: str, verdict: Verdict, words: str
) -> None:
    found = check(facts_of(**changes), name)
    assert found[0] is verdict
    assert words in found[1]


FACTS = st.builds(
    lambda total, index, gaps, flags: replace(
        facts_of(min(index, total), total, failed=False),
        done={i: DoneStep() for i in range(min(index, total)) if i not in gaps},
        **flags,
    ),
    st.integers(1, 6),
    st.integers(0, 6),
    st.sets(st.integers(0, 5)),
    st.fixed_dictionaries(
        {
            "failed": st.booleans(),
            "in_flight": st.booleans(),
            "finished": st.booleans(),
            "merge_open": st.booleans(),
            "merged": st.booleans(),
            "cancelled": st.booleans(),
            "head_moved_away": st.booleans(),
            "worktree_present": st.booleans(),
            "branch_present": st.booleans(),
            "live_holder": st.none() | st.just(HELD),
            "owner_unknown": st.none() | st.just("elsewhere"),
            "workflow_missing": st.none() | st.just("no workflow"),
            "passes_left": st.integers(0, 2),
        }
    ),
)
OPTIONS = st.builds(
    ResumeOptions,
    from_step=st.none() | st.integers(-1, 8),
    from_checkpoint=st.none() | st.just("2"),
    restart=st.booleans(),
    skip_step=st.none() | st.integers(1, 6),
    force=st.booleans(),
    restore=st.booleans(),
)


@given(FACTS, OPTIONS)
def test_no_plan_contradicts_itself(facts: RunFacts, options: ResumeOptions) -> None:
    found = plan_resume(facts, options)
    assert [step.index for step in found.steps] == list(range(found.total))
    assert found.can_go_on == (found.impossible is None and not found.needs_force)
    if facts.live_holder or facts.cancelled:
        assert found.impossible is not None, "force passed what nothing passes"
    if options.force:
        assert not found.needs_force
    if found.impossible is not None:
        assert found.sentence.startswith("This cannot be resumed: ")
        return
    assert 0 <= found.start <= found.total
    for step in found.steps:
        if step.index >= found.start:
            assert step.action in (A, R) or options.skip_step == step.index + 1
        else:
            assert step.action in (K, S), "a step before the start runs"
            is_gap = step.index >= facts.index and step.index not in facts.done
            if is_gap:
                assert step.action is S
    gap = [i for i in range(facts.index, found.start) if i not in facts.done]
    assert not gap or options.force or found.needs_force


@given(FACTS, OPTIONS)
def test_force_never_changes_what_is_run(facts: RunFacts, options: ResumeOptions) -> None:
    without = plan_resume(facts, replace(options, force=False))
    forced = plan_resume(facts, replace(options, force=True))
    assert (without.start, without.steps) == (forced.start, forced.steps)
