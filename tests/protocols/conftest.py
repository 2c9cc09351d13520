import pytest

from tests.support.miniature import write_folder
from tests.support.protocol_runs import ProtocolRunner, write_kinds


@pytest.fixture(scope="session")
def miniature_folder(tmp_path_factory):
    """The miniature data set: three generators."""
    return write_folder(tmp_path_factory.mktemp("miniature") / "data")


@pytest.fixture(scope="session")
def run_on_miniature(miniature_folder, tmp_path_factory):
    """Run protocols over the miniature, all with one cache."""
    return ProtocolRunner(miniature_folder, tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="session")
def run_on_kinds(tmp_path_factory):
    """Run protocols over two generators and four kinds of content, all with one cache."""
    return ProtocolRunner(write_kinds(tmp_path_factory.mktemp("kinds") / "data"), tmp_path_factory.mktemp("runs"))
