from flows.origin import COMMIT, VERSION, run_tags


def test_a_run_says_what_was_typed_and_which_code_ran(monkeypatch):
    tags = run_tags("veritile run tiny.yaml")
    assert tags["command"] == "veritile run tiny.yaml"
    assert tags[VERSION]
    if COMMIT in tags:  # a checkout
        assert len(tags[COMMIT]) == 40


def test_where_there_is_no_git_the_version_is_all(monkeypatch):
    from flows import origin

    origin._code.cache_clear()
    monkeypatch.setenv("PATH", "")
    try:
        assert COMMIT not in run_tags("")
    finally:
        origin._code.cache_clear()
