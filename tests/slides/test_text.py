import json

import pytest

from tasks.slides.errors import SlideError
from tasks.slides.text import json_text, xml_text

BODY = "<a>Größe</a>"


def write(tmp_path, data):
    path = tmp_path / "it.txt"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [("ISO-8859-1", b""), ("windows-1252", b""), ("UTF-8", b""), ("UTF-16", b""), ("ISO-8859-15", b""),
     ("UTF-8", b"\xef\xbb\xbf")],
)  # fmt: skip
def test_xml_is_read_as_its_first_line_declares(tmp_path, encoding, mark):
    data = mark + f"<?xml version='1.0' encoding=\"{encoding}\"?>{BODY}".encode(encoding)
    assert xml_text(write(tmp_path, data)).endswith(BODY)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-8", "utf-8-sig", "utf-16"])
def test_xml_without_a_first_line_is_read_by_its_bytes(tmp_path, encoding):
    assert xml_text(write(tmp_path, BODY.encode(encoding))) == BODY


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_json_is_read_in_every_unicode(tmp_path, encoding):
    text = json.dumps({"a": "Größe"}, ensure_ascii=False)
    assert json_text(write(tmp_path, text.encode(encoding))) == text


@pytest.mark.parametrize(
    ("read", "data", "words"),
    [
        (json_text, '["Größe"]'.encode("latin-1"), r"it.txt is not UTF-8, as JSON must be; save it as UTF-8"),
        (xml_text, BODY.encode("latin-1"), "it.txt is not UTF-8, as XML is by default: byte 5 cannot be"),
        (
            xml_text,
            b'<?xml version="1.0" encoding="UTF-8"?>' + BODY.encode("latin-1"),
            "it.txt is not UTF-8, as its first line declares",
        ),
        (xml_text, b'<?xml version="1.0" encoding="klingon"?><a/>', "'klingon', which does not exist"),
    ],
)
def test_bytes_that_do_not_fit_are_refused(tmp_path, read, data, words):
    with pytest.raises(SlideError, match=words):
        read(write(tmp_path, data))
