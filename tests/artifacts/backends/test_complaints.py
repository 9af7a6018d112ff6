"""Whatever is wrong with an object store is one clear sentence, and nothing secret is in it."""

import socket
import uuid

import pytest

from tasks.artifacts.backends import bucket as buckets
from tasks.artifacts.backends.address import read_address
from tasks.artifacts.backends.bucket import Bucket
from tasks.artifacts.backends.complaints import complaint_of
from tasks.artifacts.backends.errors import StoreError
from tasks.artifacts.store import Store
from tests._support.ports import free_port
from tests._support.s3 import KEYS


@pytest.fixture(autouse=True)
def fresh():
    """Settings of the environment are read when a file system is made."""
    buckets._file_system.cache_clear()
    yield
    buckets._file_system.cache_clear()


def probed(tmp_path, url):
    Store(tmp_path / uuid.uuid4().hex, url).backend.probe(write=True)


def set_keys(monkeypatch, endpoint, keys=KEYS):
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()
    for name in KEYS:
        monkeypatch.delenv(name, raising=False)
    for name, value in {**keys, "AWS_ENDPOINT_URL": endpoint}.items():
        monkeypatch.setenv(name, value)


def test_a_good_store_passes_and_keeps_nothing_of_the_question(bucket_url, tmp_path):
    store = Store(tmp_path, bucket_url)
    store.backend.probe(write=True)
    assert store.backend.bucket.list("") == {}


def test_an_endpoint_where_nobody_listens(tmp_path, monkeypatch):
    set_keys(monkeypatch, f"http://127.0.0.1:{free_port()}")
    with pytest.raises(StoreError, match=r"s3://b1b/x cannot be reached; check the endpoint") as raised:
        probed(tmp_path, "s3://b1b/x")
    assert KEYS["AWS_SECRET_ACCESS_KEY"] not in str(raised.value)


def test_an_endpoint_that_never_answers(tmp_path, monkeypatch):
    monkeypatch.setattr(buckets, "_READ_S", 0.4)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(16)
        set_keys(monkeypatch, f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(StoreError, match="did not answer in time"):
            probed(tmp_path, "s3://b2b/x")


def test_a_bucket_that_does_not_exist(bucket_url, tmp_path):
    with pytest.raises(StoreError, match="names a bucket that does not exist"):
        probed(tmp_path, "s3://no-such-bucket-here/x")


def test_no_credentials(s3_endpoint, tmp_path, monkeypatch):
    set_keys(monkeypatch, s3_endpoint, {"AWS_DEFAULT_REGION": "us-east-1"})
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(StoreError, match="needs credentials and has none; set AWS_ACCESS_KEY_ID"):
        probed(tmp_path, "s3://b3b/x")


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("ExpiredToken", "they have expired; get new ones"),
        ("AccessDenied", "forbids this to these credentials"),
        ("InvalidAccessKeyId", "does not accept these credentials; check"),
        ("SlowDown", "too busy"),
        ("RequestTimeTooSkewed", "the clock of this machine"),
        ("PermanentRedirect", "another region"),
    ],
)
def test_what_the_service_answers(code, sentence):
    from botocore.exceptions import ClientError
    from s3fs.errors import translate_boto_error

    error = translate_boto_error(ClientError({"Error": {"Code": code, "Message": "x"}}, "ListObjectsV2"))
    said = complaint_of(error).sentence(read_address("s3://bucket/a"), error)
    assert said.startswith("s3://bucket/a ")
    assert sentence in said


def test_a_store_without_conditional_puts_is_refused(tmp_path, monkeypatch):
    def put(self, name, data):
        self.overwrite(name, data)
        return True

    monkeypatch.setattr(Bucket, "create", put)
    with pytest.raises(StoreError, match="does not know conditional puts"):
        probed(tmp_path, "memory://plain")


def test_a_shared_folder_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "shared").write_text("a file")
    with pytest.raises(StoreError, match="cannot be written"):
        probed(tmp_path, f"file://{tmp_path}/shared")


def test_a_full_disk_stays_an_error_of_the_disk(bucket_url, tmp_path, monkeypatch):
    bucket = Bucket(read_address(bucket_url))

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(bucket._fs, "get", full, raising=False)
    with pytest.raises(OSError, match="No space left") as raised:
        bucket.download({"a": tmp_path / "a"})
    assert not isinstance(raised.value, StoreError)
