"""Corners of the language where names meet, in real runs."""

from __future__ import annotations

from pathlib import Path

from tests.orchestrator.engine.runs import Runner, git


def test_a_parameter_named_like_an_environment_variable_is_the_parameter(
    run_workflow: Runner,
) -> None:
    ran = run_workflow(
        """\
        parameters: {optional: [{name: STAGE, default: test}, {name: PATH, default: nowhere}]}
        commands:
          - shell: 'echo "${STAGE} $STAGE" >>trace'
          - shell: 'echo "${PATH}" >>trace; test "$PATH" != nowhere'
        """,
        env={"STAGE": "of the machine"},
        parameters={"STAGE": "live"},
    ).completed()
    assert ran.lines() == ["live live", "nowhere"]


def test_lists_of_files_hold_odd_names_and_leave_out_what_is_ignored(
    run_workflow: Runner, repository: Path
) -> None:
    (repository / ".gitignore").write_text("*.log\ntrace\n")
    (repository / "old name.txt").write_text("a\n" * 50)
    (repository / "gone.txt").write_text("b\n")
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "files")
    ran = run_workflow("""\
        commands:
          - shell: |
              git mv 'old name.txt' 'größe.txt' && rm gone.txt
              mkdir -p a/b && echo x >'a/b/new file.rs' && echo y >noise.log
          - shell: |
              printf '%s\\n' '${step.files_added:json}' '${step.files_deleted:json}' \
                '${step.files_added:*.rs}' '${step.files_added:a/*}' '${step.files_added:a/**}' \
                '${step.files_changed|length}' >>trace
        """).completed()
    assert ran.lines() == [
        '["a/b/new file.rs","größe.txt"]',
        '["gone.txt","old name.txt"]',
        "a/b/new file.rs",
        "",
        "a/b/new file.rs",
        "4",
    ]


def test_iterations_beside_inputs_have_no_effect_and_a_word_is_said(run_workflow: Runner) -> None:
    ran = run_workflow("['shell: echo $ARG >>trace']", args=("a", "b"), max_iterations=5)
    assert ran.completed().lines() == ["a", "b"]
    assert any("-n" in warning for warning in ran.warnings)


def test_a_metadata_name_is_reached_by_a_dot_and_the_field_by_its_key(
    run_workflow: Runner,
) -> None:
    ran = run_workflow("""\
        commands:
          - shell: "echo '{\\"success\\": \\"field\\", \\"n\\": 1}'"
            capture: data
            capture_format: json
          - shell: "echo ${data.success} ${data['success']} ${data.n} ${data.none:-empty} >>trace"
        """).completed()
    assert ran.lines() == ["true field 1 empty"]
