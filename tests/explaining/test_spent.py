from tasks.explaining.spent import Spent


def test_all_calls_count_and_each_once(tmp_path):
    first = Spent(tmp_path)
    first.note({"seconds": 1.0, "forward": 4})
    first.note({"seconds": 2.0, "forward": 8})
    second = Spent(tmp_path)
    second.note({"seconds": 0.5, "forward": 1})
    (tmp_path / "spent" / "0002.draft").write_text("{")  # cut short by a kill
    third = Spent(tmp_path)
    assert third.total({"seconds": 1.0, "forward": 3}) == {"seconds": 3.5, "forward": 12}
    third.forget()
    assert list(tmp_path.iterdir()) == []
    assert Spent(tmp_path).total({"seconds": 1.0}) == {"seconds": 1.0}
