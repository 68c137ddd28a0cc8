"""YAML that reads the same as it looks."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edgernn import strict_yaml
from edgernn.errors import InputError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(JSON)
@example("\x85")
def test_what_is_written_is_read_back(value: object) -> None:
    assert strict_yaml.parse(strict_yaml.write(value), "t") == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("010", "010"),
        ("1:30", "1:30"),
        ("2024-01-01", "2024-01-01"),
        ("0x10", "0x10"),
        ("1_000", "1_000"),
        ("1e-3", 0.001),
        ("3.", 3.0),
        (".5", 0.5),
        ("-4", -4),
        ("true", True),
        ("~", None),
        ("", None),
        ("[8, '9']", [8, "9"]),
    ],
)
def test_plain_values(text: str, value: object) -> None:
    parsed = strict_yaml.parse(text, "t")
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1", "r.yaml, line 1: not valid YAML: expected ',' or ']', but got '<stream end>'"),
        ("a: 1\nb: 2\na: 3", "r.yaml, line 3: not valid YAML: the key a appears twice"),
        ("a: {b: 1, b: 2}", "r.yaml, line 1: not valid YAML: the key b appears twice"),
        ('a: 1\nb: "\\ud800"', "r.yaml, line 2: not valid YAML: half a surrogate pair is no character"),
        ("a: *x", "r.yaml, line 1: not valid YAML: found undefined alias 'x'"),
        ("a: \x00", "r.yaml: not valid YAML: special characters are not allowed"),
        ("!!int x", "r.yaml: not valid YAML: ValueError while reading a value"),
        ("!!bool x", "r.yaml: not valid YAML: KeyError while reading a value"),
        ("[" * 5000, "r.yaml: not valid YAML: RecursionError while reading a value"),
        ("? [a]\n: 1", "r.yaml, line 1: not valid YAML: found unhashable key"),
    ],
)
def test_faults_are_one_line(text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        strict_yaml.parse(text, "r.yaml")
    assert str(caught.value) == message


def test_python_objects_are_refused() -> None:
    with pytest.raises(InputError, match="could not determine a constructor"):
        strict_yaml.parse("!!python/object/apply:os.getcwd []", "t")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    latin = tmp_path / "latin.yaml"
    latin.write_bytes(b"name: caf\xe9")
    with pytest.raises(InputError, match=r"latin\.yaml: not UTF-8 text \(byte 9\); save it as UTF-8$"):
        strict_yaml.read(latin)
    with pytest.raises(InputError, match=r"cannot be read: Is a directory$"):
        strict_yaml.read(tmp_path)
    with pytest.raises(InputError, match=r"none\.yaml: cannot be read: No such file or directory$"):
        strict_yaml.read(tmp_path / "none.yaml")


def test_a_byte_order_mark_is_no_content(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_bytes(b"\xef\xbb\xbfname: a")
    assert strict_yaml.read(path) == {"name": "a"}


def test_overrides_reach_sections_lists_and_new_keys() -> None:
    document = {"train": {"epochs": 1}, "layers": [{"gru": {"units": 2}}, {"dense": None}]}
    changed = strict_yaml.override(
        document,
        ["train.epochs=5", "layers.0.gru.units=3", "layers.1.dense.units=4", "prune.sparsity=0.5", "x=a=b"],
    )
    assert changed == {
        "train": {"epochs": 5},
        "layers": [{"gru": {"units": 3}}, {"dense": {"units": 4}}],
        "prune": {"sparsity": 0.5},
        "x": "a=b",
    }
    assert document["train"] == {"epochs": 1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed", "--set seed: write it as section.key=value"),
        ("=1", "--set =1: write it as section.key=value"),
        ("a..b=1", "--set a..b=1: write it as section.key=value"),
        ("l.2=1", "--set l.2=1: 2 is not an index into a list of 1"),
        ("l.x=1", "--set l.x=1: x is not an index into a list of 1"),
        ("s.x=1", "--set s.x=1: nothing can be set below 'text'"),
        ("s=[", "--set s=[, line 1: not valid YAML: expected the node content, but found '<stream end>'"),
    ],
)
def test_faulty_overrides(text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        strict_yaml.override({"l": [0], "s": "text"}, [text])
    assert str(caught.value) == message
