from tests.orchestrator.engine.runs import Runner


def test_probe(run_workflow: Runner, fake_claude) -> None:
    ran = run_workflow("""
    - shell: "echo hi"
    - claude: "/do it fake:commit=a.txt"
    """).completed()
    import pprint

    pprint.pprint(ran.told)
    pprint.pprint(ran.record)
    pprint.pprint(ran.checkpoint)
    pprint.pprint(ran.events())
    assert 0
