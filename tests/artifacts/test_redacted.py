import pytest

from tasks.artifacts.redacted import holds_secret, redacted


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("http://ann:s3cret@host:5000/x", "http://***@host:5000/x"),
        (
            "see postgresql+psycopg2://u:p%40w@db/x, and s3://KEY:SEC@b/k",
            "see postgresql+psycopg2://***@db/x, and s3://***@b/k",
        ),
        ("https://token@host/", "https://***@host/"),
        ("https://h/x?X-Amz-Signature=abc&n=1&sig=q", "https://h/x?X-Amz-Signature=***&n=1&sig=***"),
        ("Authorization: Bearer abcdefgh.ijkl", "Authorization: Bearer ***"),
    ],
)
def test_what_stands_for_a_password_is_left_out(text, told):
    assert redacted(text) == told
    assert holds_secret(text)
    assert not holds_secret(told)


@pytest.mark.parametrize(
    "text",
    [
        "http://127.0.0.1:5000",
        "ann@example.org",
        "sqlite:////x/y.db",
        "a: b@c",
        "https://h/?key_points=3",
        "s3://bucket/a@b",
    ],
)
def test_other_texts_stay_as_they_are(text):
    assert redacted(text) == text


def test_the_user_of_a_database_is_no_secret_and_its_password_is():
    assert not holds_secret("postgresql+psycopg2://ann@db.example:5432/mlflow")
    assert holds_secret("postgresql://ann:s3cret@db.example/mlflow")
    assert holds_secret("https://ann@db.example/")
