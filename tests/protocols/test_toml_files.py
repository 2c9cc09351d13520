"""TOML of users: what cannot be read is one reason in one line, whatever stops the reader."""

import pytest

from protocols.toml_files import MAX_LEVELS, UnreadableToml, parse_toml, read_toml


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a = " + "[" * 5000, "nested too deeply"),
        ("a" + ".a" * 100_000 + " = 1", f"more than {MAX_LEVELS} levels"),
        ("[a" + " . a" * 5000 + "]", f"more than {MAX_LEVELS} levels"),
        ("a = " + "9" * 5000, "more than 64 bits"),
        ("a = [{b = 9223372036854775808}]", "more than 64 bits"),
        ('a = ["x\\u0000"]', "has a NUL character"),
        ('"x\\u0000" = 1', "has a NUL character"),
        ('a = "' + "9" * 1000 + '"', "1,000 digits"),
        ("a = 1\0", "Expected newline"),
        ("a\r= 1", "Illegal|Expected"),
    ],
)
def test_what_no_option_can_have_is_refused(text, reason):
    with pytest.raises(UnreadableToml, match=reason) as refused:
        parse_toml(text)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 200


def test_everything_else_is_read(tmp_path):
    (tmp_path / "a.toml").write_bytes(b'a = -9223372036854775808\r\nb = "x.y.z"\n[c.d]\ne = [1.5, true, 2020-01-01]\n')
    found = read_toml(tmp_path / "a.toml")
    assert (found["a"], found["b"], found["c"]["d"]["e"][:2]) == (-(2**63), "x.y.z", [1.5, True])
    names = ".".join("ab" for _ in range(MAX_LEVELS - 5))
    assert parse_toml(f"text = '{names}'\n" + "n = [" + "0.5, " * 3000 + "]")["text"] == names


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "No such file"), (b"\xff\xfea", "no UTF-8 text, from byte 1 on"), (b"a = \xff", "byte 5 on")],
)
def test_a_file_that_is_no_text_is_refused(tmp_path, content, reason):
    if content is not None:
        (tmp_path / "a.toml").write_bytes(content)
    with pytest.raises(UnreadableToml, match=reason):
        read_toml(tmp_path / "a.toml")
    with pytest.raises(UnreadableToml, match="null byte"):
        read_toml(tmp_path / "a\0.toml")
