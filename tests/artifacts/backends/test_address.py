import pytest

from tasks.artifacts.backends.address import read_address, url_in
from tasks.artifacts.backends.errors import StoreAddressError


def test_an_address_is_read_without_its_last_slash():
    assert str(read_address("s3://bucket/a/b/")) == "s3://bucket/a/b"
    assert read_address("file:///shared/store").path == "/shared/store"


@pytest.mark.parametrize(
    "text",
    ["s3://AKIA:hunter2@bucket/x", "s3://bucket/x?aws_secret=hunter2", "https://u:hunter2@host/x"],
)
def test_a_secret_in_an_address_is_refused_and_not_repeated(text):
    with pytest.raises(StoreAddressError, match="holds no secret") as raised:
        read_address(text)
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    "text",
    [
        "store",
        "s3://",
        "s3://bucket/../other",
        "s3://b/%2e%2e/c",
        "zip://a::s3://b",
        "file://relative",
        "s3:/b",
    ],
)
def test_what_names_no_store_is_refused(text):
    with pytest.raises(StoreAddressError):
        read_address(text)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("s3:/bucket/a", "s3://bucket/a"),
        ("s3://bucket/a", "s3://bucket/a"),
        ("/data/s3", None),
        ("data", None),
    ],
)
def test_a_url_given_as_a_path_is_recognised(text, url):
    assert url_in(text) == url
