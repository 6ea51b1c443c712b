"""The environment of steps as they find it, and where commands run."""

from __future__ import annotations

from pathlib import Path

from tests.orchestrator.engine.runs import Runner, RunWorkflow


def test_later_layers_win(run_workflow: Runner) -> None:
    (run_workflow.repository.parent / "one.env").write_text("A=file\nB=file\nC=file\nD=file\n")
    ran = run_workflow(
        """
        env_files: one.env
        defaults: {B: default}
        env: {C: "env ${A}", D: env, E: env}
        profiles: {live: {D: profile, E: profile}}
        secrets: {F: SECRET_SOURCE}
        commands:
          - shell: "echo $A,$B,$C,$D,$E,$F,$G,$PROFILE,$PRODIGY_PROFILE >>trace"
            env: {E: step, F: step}
          - shell: "echo $A,$B,$C,$D,$E,$F,$G >>trace"
          - shell: "echo ${A:-none},${C:-none},${D:-none},$F,${G:-none},$E,${PATH:+path} >>trace"
            clear_env: true
            env: {E: own}
        """,
        profile="live",
        env={"A": "process", "G": "process", "SECRET_SOURCE": "a secret", "D": "process"},
    ).completed()
    assert ran.lines() == [
        "file,default,env file,profile,step,a secret,process,live,live",
        "file,default,env file,profile,profile,a secret,process",
        "none,none,none,a secret,none,own,path",
    ]


def test_values_can_be_computed(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        """
        env:
          OUTER: "${OUTER:-unset}"
          FRESH: {command: "echo x >>runs; wc -l <runs | tr -d ' '"}
          CACHED: {command: "echo x >>once; wc -l <once | tr -d ' '", cache: true}
          WHERE: {condition: "branch == 'main'", when_true: stable, when_false: testing}
          BY: {default: local, live: remote}
          LITERAL: "$(not run)"
        commands:
          - shell: "echo \\"$OUTER,$FRESH,$CACHED,$WHERE,$BY,$LITERAL\\" >>trace"
          - shell: "echo \\"$OUTER,$FRESH,$CACHED,$WHERE,$BY,$LITERAL\\" >>trace"
        """,
        env={"OUTER": "from outside"},
    ).completed()
    assert ran.lines() == [
        "from outside,1,1,stable,local,$(not run)",
        "from outside,2,1,stable,local,$(not run)",
    ]


def test_an_environment_that_cannot_be_made_fails_the_step(run_workflow: RunWorkflow) -> None:
    run_workflow(
        """
        env: {X: {command: "echo why >&2; exit 3"}}
        commands: ["shell: echo never"]
        """
    ).failed("env:", "exit code 3", "why")


def test_a_step_runs_where_it_says(run_workflow: RunWorkflow, tmp_path: Path) -> None:
    (tmp_path / "user" / "there").mkdir()
    ran = run_workflow(
        """
        - shell: "mkdir -p sub/deep; echo in file >sub/f.txt"
        - {shell: "pwd; echo ${cmd:pwd}", working_dir: "sub/${name}", env: {name: deep},
           capture: a}
        - {shell: "pwd", cwd: "~/there", capture: b}
        - shell: "echo $PWD ${PROJECT_ROOT}"
          capture: c
        - {shell: "true", working_dir: nowhere}
        """
    ).failed("working_dir is not a directory")
    deep = str(ran.worktree / "sub" / "deep")
    assert ran.variables["a"] == f"{deep}\n{deep}"
    assert ran.variables["b"] == str(tmp_path / "user" / "there")
    assert ran.variables["c"] == f"{ran.worktree} {ran.worktree}"


def test_variables_reach_the_shell_by_name(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        """
        - {shell: "echo report.md", capture: doc}
        - {shell: "echo /nowhere", capture: PATH}
        - {shell: "head -c 150000 /dev/zero | tr '\\\\0' x", capture: big}
        - shell: |
            echo "$doc ${doc%.md} ${#doc}" >>trace
            for doc in a b; do echo "$doc ${doc}"; done >>trace
            echo '$doc' >>trace
            ls >/dev/null
            printf '%s' "${#big}" >>trace
        """
    ).completed()
    assert ran.lines() == ["report.md report 9", "a a", "b b", "$doc", "0"]
    assert any("'big' is not exported" in words for words in ran.warnings)


def test_steps_know_that_they_are_automated_and_never_wait_for_input(
    run_workflow: RunWorkflow,
) -> None:
    ran = run_workflow(
        """
        - shell: |
            echo "$PRODIGY_AUTOMATION $PRODIGY_STEP ${PRODIGY_ARG:-no arg}" >>trace
            test "$PRODIGY_SESSION_ID" = ${workflow.id|default:x} || cat >>trace
            read -r line || echo "end of input" >>trace
          on_success: "echo $PRODIGY_STEP >>trace"
        - shell: "exit 1"
          on_failure: {shell: "echo $PRODIGY_STEP ${PRODIGY_ARG} >>trace", max_attempts: 1}
        """,
        args=("the input",),
    ).completed()
    assert ran.lines() == [
        "true 0-1 the input",
        "end of input",
        "0-1.1",
        "1-1.1 the input",
    ]


def test_strict_variables_fail_what_is_unknown(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        """
        strict_variables: true
        commands:
          - {shell: "echo known", capture: known_name}
          - shell: "echo ${unknown}; echo ${known_name.exit_code} >>trace"
          - shell: "echo ${unknown.path}"
        """
    ).failed("not defined: ${unknown.path}", "known_name")
    assert ran.lines() == ["0"]


def test_a_workflow_runs_the_same_from_a_git_hook(run_workflow: Runner) -> None:
    hook = {"GIT_DIR": ".git", "GIT_INDEX_FILE": ".git/index", "GIT_PREFIX": "x/"}
    ran = run_workflow(
        """
        - shell: "echo ${GIT_DIR:-none} >>trace; git add trace; git commit -qm made"
          commit_required: true
        """,
        env=hook,
    ).completed()
    assert ran.lines() == ["none"]
    assert ran.result.commits == 1


def test_a_run_without_git_identity_commits_under_a_stand_in(
    run_workflow: RunWorkflow, no_git_identity: None
) -> None:
    ran = run_workflow(
        """
        - shell: "echo x >a.txt"
          auto_commit: true
          commit_required: true
        - shell: "git log -1 --format='%an <%ae> %cn' >>trace"
        """
    ).completed()
    assert ran.lines() == ["Prodigy <prodigy@localhost> Prodigy"]
    assert sum("no identity" in words for words in ran.warnings) == 1
