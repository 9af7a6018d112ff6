from flows.origin import COMMIT, PREFECT_PAGE, VERSION, run_tags


def test_a_run_says_what_was_typed_and_which_code_ran():
    tags = run_tags("veritile run tiny.yaml", "")
    assert tags["command"] == "veritile run tiny.yaml"
    assert "prefect.flow_run_id" not in tags
    assert PREFECT_PAGE not in tags
    assert tags[VERSION]
    if COMMIT in tags:  # a checkout
        assert len(tags[COMMIT]) == 40


def test_the_page_in_prefect_is_told_where_a_server_is_known():
    from prefect.settings import PREFECT_API_URL, PREFECT_UI_URL, temporary_settings

    with temporary_settings(
        {PREFECT_API_URL: "http://127.0.0.1:1/api", PREFECT_UI_URL: "http://127.0.0.1:1"}
    ):
        page = run_tags("", "0b0e1a")[PREFECT_PAGE]
    assert page == "http://127.0.0.1:1/runs/flow-run/0b0e1a"


def test_where_there_is_no_git_the_version_is_all(monkeypatch):
    from flows import origin

    origin._code.cache_clear()
    monkeypatch.setenv("PATH", "")
    try:
        assert COMMIT not in run_tags("", "")
    finally:
        origin._code.cache_clear()
