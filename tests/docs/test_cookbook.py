"""Every recipe of the cookbook does what its paragraph says, with real git and real processes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.orchestrator.engine.runs import Runner, git
from tests.program import ROOT

TEXT = (ROOT / "docs" / "cookbook.md").read_text("utf-8")
RECIPES = dict(re.findall(r"^## (.+?)\n.*?^```yaml\n(.*?)^```", TEXT, re.M | re.S))
TESTED: set[str] = set()

Test = Callable[..., None]


def recipe(title: str) -> Callable[[Test], Test]:
    """Marks the test of a recipe; it gets the recipe's text as ``text``."""
    TESTED.add(title)
    return pytest.mark.parametrize("text", [RECIPES[title]], ids=[title.replace(" ", "-")])


@pytest.fixture
def project(repository: Path) -> Callable[..., Path]:
    """Commits files to the repository; contents that begin with ``#!`` are programs."""

    def add(**files: str) -> Path:
        for name, content in files.items():
            path = repository / name.replace("__", "/").replace("DOT", ".").replace("DASH", "-")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
            if content.startswith("#!"):
                path.chmod(0o755)
        git(repository, "add", "-A")
        git(repository, "commit", "-q", "-m", "what the recipe needs")
        return repository

    return add


SAYS_YES = "#!/bin/sh\nexit 0\n"


def test_there_are_fifteen_recipes_and_each_has_a_test() -> None:
    assert len(RECIPES) == 15
    assert set(RECIPES) == TESTED
    assert TEXT.count("```yaml") == 15


@recipe("Let an agent repair the build")
def test_repair(
    text: str, run_workflow: Runner, project: Callable[..., Path], fake_claude: Path
) -> None:
    project(Makefile="build:\n\ttest -e repaired\ncheck:\n\ttrue\n")
    ran = run_workflow(text, env={"FAKE_CLAUDE": "commit=repaired"}).completed()
    (call,) = fake_claude.read_text().splitlines()
    assert "/repair" in call and (ran.worktree / "repaired").exists()
    ran = run_workflow(text, env={"FAKE_CLAUDE": "commit=other"}).failed("exit code 2")
    assert len(fake_claude.read_text().splitlines()) == 3


@recipe("One specification after the other")
def test_specs(
    text: str, run_workflow: Runner, project: Callable[..., Path], fake_claude: Path
) -> None:
    project(specs__12DASHlogDOTmd="log", specs__7DASHuiDOTmd="ui")
    environment = {"FAKE_CLAUDE": "commit=code.txt"}
    ran = run_workflow(text, map_patterns=("specs/*.md",), env=environment).completed()
    assert ran.lines("DONE.md") == ["- spec 12 (1 of 2)", "- spec 7 (2 of 2)"]
    assert git(ran.worktree, "log", "--format=%s", "-1") == "Note that 7 is done"


@recipe("Polish until nothing changes")
def test_polish(text: str, run_workflow: Runner, project: Callable[..., Path]) -> None:
    project(aDOTtxt="one  \ntwo\n", bDOTtxt="three\n")
    ran = run_workflow(text).completed()
    assert ran.text("a.txt") == "one\ntwo"
    assert ran.checkpoint["x_prodigy"]["pass"]["number"] == 1
    assert any("No changes were made" in warning for warning in ran.warnings)


@recipe("Wait for something that is not there yet")
def test_retry(text: str, run_workflow: Runner, project: Callable[..., Path]) -> None:
    program = "#!/bin/sh\necho try >>trace\n[ $(wc -l <trace) -ge 3 ] && exit 0\necho 'HTTP 503'\n"
    project(fetch=f"{program}exit 22\n")
    assert len(run_workflow(text).completed().lines()) == 3


@recipe("Only when files of a kind have changed")
def test_changed(text: str, run_workflow: Runner, project: Callable[..., Path]) -> None:
    project(
        generate="#!/bin/sh\nmkdir -p guide; echo hi >guide/a.md; echo hi >b.txt\n",
        lintDASHdocs='#!/bin/sh\necho "docs $*" >>trace\n',
        lintDASHcode='#!/bin/sh\necho "code $*" >>trace\n',
    )
    assert run_workflow(text).completed().lines() == ["docs guide/a.md"]


@recipe("The same steps for many things at once")
def test_many(text: str, run_workflow: Runner, project: Callable[..., Path]) -> None:
    good, bad = "#!/bin/sh\necho fine\n", "#!/bin/sh\nexit 1\n"
    files = {"packages__a__check": good, "packages__b__check": bad, "packages__c__check": good}
    repository = project(**files)
    ran = run_workflow(text).failed("item 2 (b)")
    assert sorted(p.name for p in (ran.worktree / "reports").iterdir()) == ["a.txt", "c.txt"]
    (repository / "packages/b/check").write_text(good)
    git(repository, "commit", "-qam", "repair")
    ran = run_workflow(text).completed()
    assert ran.text("report.txt").split("fine") == ["a: ", "b: ", "c: ", ""]


@recipe("Ask how complete it is, and fill the gaps")
def test_complete(
    text: str, run_workflow: Runner, project: Callable[..., Path], fake_claude: Path
) -> None:
    low = '{"completion_percentage": 60, "missing": ["io", "net"]}'
    project(coverage=f"#!/bin/sh\n[ -e more ] && echo '{{\"score\": 95}}' || echo '{low}'\n")
    run_workflow(text, env={"FAKE_CLAUDE": "write=more"}).completed()
    prompts = [json.loads(line)["prompt"] for line in fake_claude.read_text().splitlines()]
    assert prompts[0] == "/write-tests"
    assert len(prompts) == 1, "the stand-in wrote the file in its first call already"
    (run_workflow.repository / "coverage").write_text(f"#!/bin/sh\necho '{low}'\n")
    git(run_workflow.repository, "commit", "-qam", "never enough")
    run_workflow(text).failed("Completion: 60%")
    prompts = [json.loads(line)["prompt"] for line in fake_claude.read_text().splitlines()]
    assert prompts[2:] == ["/add-tests io,net"] * 3


@recipe("Read structured output")
def test_structured(text: str, run_workflow: Runner, project: Callable[..., Path]) -> None:
    changes = [{"what": 'it\'s "fast"', "who": "Ann"}, {"what": "$HOME is safe"}]
    project(releaseDOTjson=json.dumps({"title": "1.4; rm x", "draft": False, "changes": changes}))
    ran = run_workflow(text).completed()
    assert ran.lines("NOTES.md") == [
        "1.4; rm x",
        '- it\'s "fast" (Ann)',
        "- $HOME is safe (somebody)",
    ]
    assert "2 changes" in ran.log(3)


@recipe("One file for every environment")
def test_environments(text: str, run_workflow: Runner) -> None:
    environment = {"DEPLOY_TOKEN": "a-very-secret-token"}
    ran = run_workflow(text, env=environment).completed()
    assert ran.text("deployed.txt") == "to localhost with a-very-secret-token, 1 times, dry: yes"
    assert "with ***, 1 times" in ran.log(0)
    ran = run_workflow(text, env=environment, profile="live").completed()
    assert ran.text("deployed.txt") == "to example.org with a-very-secret-token, 3 times, dry: no"


@recipe("Parameters with types and checks")
def test_parameters(text: str, run_workflow: Runner, project: Callable[..., Path]) -> None:
    from orchestrator.refusal import Refused

    tells = '#!/bin/sh\necho "$0 $*" >>trace\n'
    project(ship=tells, announce=tells)
    ran = run_workflow(text, parameters={"stage": "live", "copies": "3"}).completed()
    assert ran.lines() == ["./ship --to live --copies 3", "./announce "]
    assert run_workflow(text, parameters={"stage": "test"}).completed().lines() == [
        "./ship --to test --copies 1"
    ]
    for wrong in ({}, {"stage": "prod"}, {"stage": "live", "copies": "9"}):
        with pytest.raises(Refused):
            run_workflow(text, parameters=wrong)


@recipe("Steps under a name")
def test_templates(text: str, run_workflow: Runner) -> None:
    ran = run_workflow(text).completed()
    assert (ran.text("out/api.conf"), ran.text("out/web.conf")) == ("listen 8080", "listen 80")
    assert len(ran.checkpoint["completed_steps"]) == 4


@recipe("Independent parts at the same time")
def test_parts(text: str, run_workflow: Runner, project: Callable[..., Path]) -> None:
    project(unitDASHtests="#!/bin/sh\necho ok; echo ok\n", lint="#!/bin/sh\nexit 1\n")
    ran = run_workflow(text).completed()
    assert ran.text("summary.txt") == "2 tests passed, lint false"


@recipe("A server for the steps that follow")
def test_server(text: str, run_workflow: Runner, project: Callable[..., Path]) -> None:
    project(
        server="#!/bin/sh\necho $$ >pid; touch ready\nwhile :; do\n"
        "  [ -e question ] && echo fine >answer\n  sleep 0.05\ndone\n",
        ask="#!/bin/sh\ntouch question\nuntil [ -e answer ]; do sleep 0.05; done\ncat answer\n",
    )
    ran = run_workflow(text).completed()
    server = int(ran.text("pid"))
    assert not psutil.pid_exists(server) or psutil.Process(server).status() == psutil.STATUS_ZOMBIE


@recipe("Put things back whatever happens")
def test_cleanup(text: str, run_workflow: Runner, project: Callable[..., Path]) -> None:
    project(migrate="#!/bin/sh\necho changed >db; exit 3\n", restoreDASHbackup="#!/bin/sh\nrm db\n")
    ran = run_workflow(text).failed("exit code 3")
    assert not (ran.worktree / "db").exists()
    assert ran.text("why.txt") == "the schema was newer than we are"


@recipe("Merge as one commit")
def test_one_commit(text: str, run_workflow: Runner, repository: Path) -> None:
    ran = run_workflow(text, merge=True)
    assert ran.result.exit_code == 0, ran.result.message
    assert git(repository, "log", "--format=%s") == "one-commit: 2 commits in one\nbegin"
    assert (repository / "work.txt").read_text() == "one\ntwo\n"
