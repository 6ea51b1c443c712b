"""What a step's output becomes: variables, metadata, files."""

from __future__ import annotations

import pytest

from tests.orchestrator.engine.runs import RunWorkflow


def test_every_format_gives_its_value(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        r"""
        - {shell: 'printf "a\n\nb\n\n"', capture: text}
        - {shell: 'printf "a\n\nb\n"', capture: rows, capture_format: lines}
        - {shell: 'echo "{\"deep\": [1, {\"k\": \"v\"}], \"success\": \"field\"}"', capture: doc,
           capture_format: json}
        - {shell: 'echo " 42"', capture: whole, capture_format: number}
        - {shell: 'echo 4.50', capture: part, capture_format: number}
        - {shell: 'echo TRUE; exit 3', capture: yes_, capture_format: boolean}
        - shell: |
            printf '%s\n' '${text|json}' '${rows:json}' '${rows|length}' \
              '${doc.deep[1].k}' "${doc['success']}" '${doc.success}' \
              '${whole}' '${part}' '${yes_}' >trace
        """
    ).completed()
    assert ran.lines() == [
        '"a\\n\\nb"',
        '["a","","b"]',
        "3",
        "v",
        "field",
        "true",
        "42",
        "4.5",
        "true",
    ]
    assert ran.variables["rows"] == ["a", "", "b"]
    assert ran.variables["doc"] == {"deep": [1, {"k": "v"}], "success": "field"}


def test_metadata_have_names_of_their_own(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        """
        - shell: "echo out; echo err >&2; exit 5"
          capture: build.log
          on_failure: true
        - shell: >-
            echo '${build.log} ${build.log.stderr} ${build.log.exit_code} ${build.log.success}'
            ${build.log.duration} >trace
        """
    ).completed()
    words = ran.lines()[0].split()
    assert words[:4] == ["out", "err", "5", "false"]
    assert 0 <= float(words[4]) < 5


@pytest.mark.parametrize(
    ("streams", "value"),
    [
        ("stdout", "out"),
        ("stderr", "err"),
        ("both", "out\nerr"),
        ("[stdout, stderr]", "out"),
        ("'exit_code,success'", "0"),
        ("{stdout: false, success: true}", "true"),
    ],
)
def test_the_streams_choose_what_is_captured(
    run_workflow: RunWorkflow, streams: str, value: str
) -> None:
    ran = run_workflow(
        f"""
        - shell: "echo out; sleep 0.05; echo err >&2"
          capture: x
          capture_streams: {streams}
        - write_file: {{path: got, content: "${{x}}"}}
        """
    ).completed()
    assert ran.text("got") == value
    assert ran.variables["x.stderr"] == "err"


@pytest.mark.parametrize(
    ("output", "wanted", "words"),
    [("{broken", "json", "line 1 column 2"), ("n/a", "number", "n/a"), ("", "number", "empty")],
)
def test_what_is_not_of_its_format_fails_the_command(
    run_workflow: RunWorkflow, output: str, wanted: str, words: str
) -> None:
    ran = run_workflow(
        f"""
        - shell: "printf '%s' '{output}'"
          id: a
          capture: x
          capture_format: {wanted}
          on_failure: "echo ${{a.success}} ${{x.success}} ${{x:-unset}} >trace"
          retry: 1
        - shell: "printf '%s' '{output}'"
          capture: x
          capture_format: {wanted}
        """
    ).failed("cannot capture 'x'", words)
    assert ran.lines() == ["false false unset"]


@pytest.mark.parametrize(
    ("exit_code", "value"), [(0, "true"), (1, "false"), (125, "false"), (126, None), (137, None)]
)
def test_an_exit_code_is_data_for_a_boolean(
    run_workflow: RunWorkflow, exit_code: int, value: str | None
) -> None:
    ran = run_workflow(
        f"""
        - shell: "exit {exit_code}"
          capture: ok
          capture_format: boolean
        - shell: "echo ${{ok}} >trace"
        """
    )
    if value is None:
        ran.failed(f"exit code {exit_code}")
    else:
        assert ran.completed().lines() == [value]


def test_a_time_out_is_never_data(run_workflow: RunWorkflow) -> None:
    run_workflow(
        """
        - {shell: "sleep 9", timeout: 200ms, capture: ok, capture_format: boolean}
        """
    ).failed("exit code 124")


def test_what_a_step_writes_to_its_output_file_becomes_variables(
    run_workflow: RunWorkflow,
) -> None:
    ran = run_workflow(
        """
        - shell: |
            echo from stdout
            echo "name=written = over" >>"$PRODIGY_OUTPUT"
            echo "colour=blue" >>"$PRODIGY_OUTPUT"
            echo "not a line" >>"$PRODIGY_OUTPUT"
          capture: name
          capture_output: other
        - shell: "echo \\"${name}|$colour|${other}\\" >trace"
        - shell: "echo late=1 >>$PRODIGY_OUTPUT; exit 1"
          capture_output: false
          on_failure: true
        - shell: "echo ${late} ${name.exit_code} >>trace"
        """
    ).completed()
    assert ran.lines() == ["written = over|blue|from stdout", "1 0"]


def test_output_goes_to_a_file_as_captured(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        """
        - shell: "mkdir -p out; echo much longer than before >out/a.txt"
        - {shell: "echo a", output_file: "${where}/a.txt", env: {where: out}}
        - {shell: "echo no; echo b >&2; exit 1", output_file: out/deep/b.txt,
           capture_streams: stderr, on_failure: true}
        - {shell: "echo c", output_file: c.txt, capture_output: false}
        - {shell: "echo d", output_file: out, on_failure: "echo handled ${shell.exit_code} >trace"}
        """
    ).completed()
    assert ran.text("out/a.txt") == "a"
    assert ran.text("out/deep/b.txt") == "b"
    assert ran.text("c.txt") == "c"
    assert ran.lines() == ["handled 1"]


def test_nothing_is_stored_of_a_step_that_says_so(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        """
        - {shell: "echo kept"}
        - {shell: "echo dropped", capture_output: false, id: quiet}
        - shell: "echo ${last.output} ${quiet.output:-unset} >trace"
        """
    ).completed()
    assert ran.lines() == ["kept unset"]
    assert ran.step(1)["output"] is None
    assert "dropped" not in str(ran.checkpoint["variable_state"])


def test_results_of_every_kind_have_their_names(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        """
        - {shell: "echo s", id: the-shell}
        - write_file: {path: w.txt, content: "12345"}
        - foreach: [1, 2]
          do: ["shell: echo inner"]
        - shell: |
            cat >trace <<'END'
            ${the-shell.output} ${the-shell.exit_code} ${the-shell.success}
            ${shell.output} ${CAPTURED_OUTPUT}
            ${write_file.output}
            ${foreach.output}
            ${foreach.successful} ${foreach.failed}
            END
        """
    ).completed()
    summary = "Foreach completed: 2 total, 2 successful, 0 failed"
    assert ran.lines() == ["s 0 true", f"s {summary}", "Wrote 5 bytes to w.txt", summary, "2 0"]


def test_a_value_is_not_expanded_again(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        """
        - {shell: "echo '${nothing} $HOME ${other}'", capture: raw}
        - {shell: "echo x", capture: other}
        - shell: "printf '%s' ${raw|quote} >trace"
        - write_file: {path: got, content: "${raw}"}
        """
    ).completed()
    assert ran.lines() == ["${nothing} $HOME ${other}"]
    assert ran.text("got") == "${nothing} $HOME ${other}"


def test_captures_of_any_bytes_and_size_are_kept(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        r"""
        - {shell: "true", capture: empty}
        - {shell: 'printf "a\377b"', capture: bad}
        - {shell: "head -c 20000000 /dev/zero | tr '\\0' x", capture: huge}
        - shell: "echo '${empty|length} ${bad} ${huge|length}' >trace"
        - {shell: "head -c 20000000 /dev/zero | tr '\\0' 1", capture: number,
           capture_format: number}
        """
    ).failed("larger than 16 MiB")
    sizes = ran.lines()[0].split()
    assert sizes[:2] == ["0", "a\ufffdb"]
    assert 16 * 2**20 <= int(sizes[2]) < 17 * 2**20
    assert (ran.home.logs_directory(ran.id) / "002-1.log").stat().st_size == 20_000_000
