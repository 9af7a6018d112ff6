import pytest

from tasks.artifacts.strict_yaml import StrictYamlError, strict_yaml

LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(9)
)
MERGED = "m0: &m0 {a0: 1}\n" + "".join(
    f"m{n}: &m{n} {{<<: [{', '.join([f'*m{n - 1}'] * 9)}], a{n}: 1}}\n" for n in range(1, 9)
)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (LAUGHS, "its aliases stand for more than 100,000 values"),
        (MERGED, "its aliases stand for more than 100,000 values"),
        ("a: &a [*a]", "an alias holds itself"),
        ("? [a, b]\n: c", "a key must be a word"),
        ("a: 1\na: 2", "key 'a' is written twice"),
        ("a: 2001-99-99", "it holds a value that does not exist"),
        ("a: !!int x", "it holds a value that does not exist"),
        ("a: !!python/object/apply:os.system [id]", "could not determine a constructor"),
        ("[" * 5000, "nested too deep|flow"),
    ],
)
def test_what_expands_runs_or_does_not_exist_is_refused(text, told):
    with pytest.raises(StrictYamlError, match=told):
        strict_yaml(text)


def test_anchors_that_spare_writing_are_read():
    text = "base: &b {name: gradient, n: 2}\nlist: [*b, *b]\nmore: {<<: *b, n: 3}"
    base = {"name": "gradient", "n": 2}
    assert strict_yaml(text) == {"base": base, "list": [base, base], "more": {"name": "gradient", "n": 3}}
