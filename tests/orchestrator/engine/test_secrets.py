"""Secret values are seen by processes and by nobody who reads what a run leaves behind."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from urllib.parse import quote

import pytest

from orchestrator.config import Config
from tests.orchestrator.engine.runs import Ran, Runner, RunWorkflow

SECRET = 's3cr3t "value"/with+more'


def forms_of(value: str) -> list[bytes]:
    """The value as it is, and as programs print it."""
    inside = [base64.b64encode(b"x" * before + value.encode())[4:-4] for before in range(3)]
    plain = [value, json.dumps(value)[1:-1], quote(value, safe="")]
    return [text.encode() for text in plain] + inside


def assert_hidden(ran: Ran, *values: str) -> None:
    """No file of the store, the worktree apart, has any of these values in any form."""
    worktrees = ran.home.root / "worktrees"
    for path in ran.home.root.rglob("*"):
        in_worktree = worktrees in path.parents and ".metadata" not in path.parts
        if in_worktree or not path.is_file():
            continue
        content = path.read_bytes()
        for value in values:
            for form in forms_of(value):
                assert form not in content, f"{value!r} as {form!r} is in {path}"
    told = repr(ran.told) + repr(ran.result)
    for value in values:
        assert value not in told, f"{value!r} was told: {told}"


def test_a_secret_is_in_no_sink_however_it_is_printed(
    run_workflow: Runner, fake_claude: Path
) -> None:
    ran = run_workflow(
        """
        secrets: {KEY: KEY_SOURCE}
        commands:
          - shell: |
              printf %s "$KEY" >key
              echo "plain: $KEY"; echo "error: $KEY" >&2
              head -c 9 key; sleep 0.3; tail -c +10 key; echo
              for n in "" a ab; do printf '%s%s' "$n" "$KEY" | base64 -w0; echo; done
              python3 -c 'import json,os; print(json.dumps(os.environ["KEY"]))'
            capture: got
          - shell: "echo ${got|quote}; exit 3"
            on_failure: {shell: "echo handler: $KEY", max_attempts: 1, capture: {seen: all}}
          - foreach: ["${got}", {inner: "${KEY}"}]
            continue_on_error: true
            on_failure: true
            do: [{shell: "echo ${item|quote}; exit 1"}]
          - shell: "echo '{\\"score\\": 10, \\"missing\\": [\\"'$KEY'\\"]}' >result.json"
            validate: {result_file: result.json, on_incomplete: {shell: "true",
              fail_workflow: false}}
          - claude: "/tell ${KEY} fake:secret=KEY fake:commit=note.txt"
          - shell: "echo KEY_COPY=$KEY >>$PRODIGY_OUTPUT; echo fake >>output.txt"
            auto_commit: true
            commit_config: {message_template: "with ${KEY}", message_pattern: "^nothing"}
        """,
        env={"KEY_SOURCE": SECRET},
        args=(SECRET,),
    ).failed("does not match")
    assert_hidden(ran, SECRET)
    assert "plain: ***\n" in ran.log(0)
    assert "***\n***\n" in ran.log(0).replace("error: ", ""), "one split over two writes"
    assert "***KEY***" in ran.variables["got"], "a stored value can be restored"
    assert ran.checkpoint["x_prodigy"]["masked"]["got"]
    journal = ran.home.foreach_file(ran.id, 0, 2).read_text()
    assert "***KEY***" in journal, "frozen items are stored so that they can be restored"


def test_every_value_that_is_called_secret_is_one(run_workflow: Runner) -> None:
    directory = run_workflow.repository.parent
    (directory / "db.env").write_text("DB_PASSWORD=from-the-file-1\nMODE=production\n")
    (directory / "token.txt").write_text("from-a-secret-file\n")
    values = {
        "FILE_SECRET": "from-a-secret-file",
        "SET": "called-secret-2",
        "REFERENCE": "outer-value-and-more",
        "BY": "of-the-profile-3",
        "DB_PASSWORD": "from-the-file-1",
        "API_KEY": "named-like-one-4",
        "INNER": "in-a-loop-body-5",
    }
    ran = run_workflow(
        """
        env_files: db.env
        secrets: {FILE_SECRET: {provider: file, key: token.txt}}
        profiles: {live: {BY: {value: of-the-profile-3, secret: true}}}
        env:
          SET: {value: called-secret-2, secret: true}
          REFERENCE: {value: "${OUTER}-and-more", secret: true}
          API_KEY: named-like-one-4
          SHORT: {value: abc, secret: true}
        commands:
          - shell: "env"
          - foreach: [1]
            do:
              - shell: "echo $INNER; env | tail -3; echo $TOKEN"
                env: {INNER: {value: in-a-loop-body-5, secret: true}}
          - shell: "echo password $api_token ${api_token}"
          - {shell: "echo later-$((40 + 2))-secret", capture: made}
          - shell: "echo $LATER"
            env: {LATER: {value: "${made}", secret: true}}
          - shell: "echo $MODE $SHORT"
        """,
        env={"OUTER": "outer-value"},
        profile="live",
        parameters={"api_token": "given-as-parameter"},
    ).completed()
    assert_hidden(ran, *values.values(), "given-as-parameter")
    assert ran.log(0).count("***") >= len(values) - 1
    assert ran.log(4) == "***\n", "a value that is known late is hidden from then on"
    assert ran.log(5) == "production abc\n"
    assert any("SHORT is shorter than 4" in words for words in ran.warnings)


def test_the_configured_claude_key_is_given_and_hidden(
    run_workflow: Runner, fake_claude: Path
) -> None:
    run_workflow.config = Config(claude_api_key="sk-configured-key", kill_grace_seconds=0.3)
    ran = run_workflow('- claude: "/say fake:secret=ANTHROPIC_API_KEY"').completed()
    assert "the value is ***" in ran.log(0)
    assert_hidden(ran, "sk-configured-key")


def test_no_secret_changes_a_path_a_branch_or_an_id(run_workflow: RunWorkflow) -> None:
    ran = run_workflow(
        """
        secrets: {NAME: NAME, OTHER: OTHER}
        commands: [{shell: "echo prodigy", commit_required: false}]
        """,
        env={"NAME": "prodigy", "OTHER": "session"},
    ).completed()
    assert ran.result.branch == f"prodigy-{ran.id}"
    extension = ran.record["metadata"]["x_prodigy"]
    assert extension["branch"] == ran.result.branch
    assert ran.checkpoint["x_prodigy"]["worktree"]["path"] == str(ran.worktree)
    assert ran.log(0) == "***\n"


@pytest.mark.parametrize("at", [4090, 4096, 8190])
def test_no_part_of_a_secret_is_left_where_a_text_is_cut(
    run_workflow: RunWorkflow, at: int
) -> None:
    ran = run_workflow(
        f"""
        secrets: {{KEY: KEY}}
        commands:
          - shell: "head -c {at} /dev/zero | tr '\\\\0' x; echo $KEY; exit 1"
        """,
        env={"KEY": "abcdefghijklmnop"},
    ).failed()
    for path in [*ran.home.root.rglob("*.json"), *ran.home.root.rglob("*.jsonl")]:
        if ".git" not in path.parts and path.is_file():
            assert b"xabcdef" not in path.read_bytes(), path


@pytest.mark.parametrize(
    "step",
    [
        "{shell: TEXT, capture: x, capture_format: json}",
        "{shell: TEXT, capture: x, capture_format: number}",
        "{claude: '/tell ${cmd:(TEXT) >&2; exit 1}'}",
        "{shell: 'true', env: {MADE: {command: '(TEXT) >&2; exit 1'}}}",
    ],
)
def test_no_part_of_a_secret_is_left_in_a_message_that_quotes_a_beginning(
    run_workflow: RunWorkflow, fake_claude: Path, step: str
) -> None:
    text = "printf %0194d 0 | tr 0 x; echo $KEY"
    ran = run_workflow(
        f"{{secrets: {{KEY: KEY}}, commands: [{step.replace('TEXT', text)}]}}",
        env={"KEY": "abcdefghijklmnop"},
    ).failed("xxxx")
    assert "xa" not in ran.result.message
    assert "xa" not in json.dumps([ran.record, ran.checkpoint, ran.events()])
