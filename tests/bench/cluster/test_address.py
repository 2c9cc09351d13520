import pytest

from bench.cluster.address import ClusterAddress, parse_cluster
from bench.platform.errors import InputError


@pytest.mark.parametrize(
    ("text", "kind", "nodes"),
    [
        ("auto", "auto", None),
        ("ray://head.example:10001", "ray", None),
        ("ray://[::1]:10001", "ray", None),
        ("local:1", "local", 1),
        ("local:64", "local", 64),
    ],
)
def test_a_text_names_a_cluster(text, kind, nodes):
    assert parse_cluster(text) == ClusterAddress(kind, text, nodes)


@pytest.mark.parametrize(
    "text", ["", "local", "local:0", "local:x", "local:-1", "ray://", "ray://host", "http://host:1"]
)
def test_another_text_is_refused_in_one_line(text):
    with pytest.raises(InputError, match=r"give auto, ray://HOST:PORT, or local:N") as refused:
        parse_cluster(text)
    assert "\n" not in str(refused.value)
