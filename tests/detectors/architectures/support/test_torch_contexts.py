"""What torch's own switches are inside our contexts, and after them."""

import warnings
from multiprocessing import get_context

import pytest
import torch

from detectors.architectures.support.torch_contexts import deterministic

B = torch.backends
READ = {
    "cuda matmul": lambda: B.cuda.matmul.fp32_precision,
    "cudnn conv": lambda: B.cudnn.conv.fp32_precision,
    "cudnn rnn": lambda: B.cudnn.rnn.fp32_precision,
    "mkldnn matmul": lambda: B.mkldnn.matmul.fp32_precision,
    "mkldnn conv": lambda: B.mkldnn.conv.fp32_precision,
    "mkldnn rnn": lambda: B.mkldnn.rnn.fp32_precision,
}
OLDER = {"matmul": torch.get_float32_matmul_precision, "tf32": lambda: B.cudnn.allow_tf32}
# what a plug-in may set when it is imported
SET = {
    "nothing": lambda: None,
    "medium": lambda: torch.set_float32_matmul_precision("medium"),
    "high": lambda: torch.set_float32_matmul_precision("high"),
    "all tf32": lambda: setattr(B, "fp32_precision", "tf32"),
    "all bf16": lambda: setattr(B, "fp32_precision", "bf16"),
    "mkldnn bf16": lambda: setattr(B.mkldnn, "fp32_precision", "bf16"),
    "mkldnn matmul bf16": lambda: setattr(B.mkldnn.matmul, "fp32_precision", "bf16"),
    "cuda matmul tf32": lambda: setattr(B.cuda.matmul, "fp32_precision", "tf32"),
    "older tf32": lambda: setattr(B.cuda.matmul, "allow_tf32", True),
    "older no tf32": lambda: setattr(B.cudnn, "allow_tf32", False),
}


def older(read):
    try:
        return read()
    except RuntimeError:
        return "raises"


def switches():
    return {name: read() for name, read in READ.items()} | {name: older(read) for name, read in OLDER.items()}


def in_process(case):
    """What the switches are before, in and after a context, in a process that has set one of them."""
    SET[case]()
    before = switches(), B.fp32_precision, B.mkldnn.fp32_precision
    with deterministic():
        inside = switches(), B.cudnn.benchmark, B.cudnn.deterministic
        with deterministic():
            pass
        again = switches(), B.cudnn.benchmark, B.cudnn.deterministic
    return before, inside, again, (switches(), B.fp32_precision, B.mkldnn.fp32_precision)


@pytest.fixture(scope="module")
def processes():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads: no thread of torch's is needed
        with get_context("fork").Pool(1, maxtasksperchild=1) as pool:
            return dict(zip(SET, pool.map(in_process, SET, chunksize=1), strict=True))


@pytest.mark.parametrize("case", SET)
def test_no_switch_that_a_plugin_sets_rounds_float32(processes, case):
    _, (inside, benchmark, is_deterministic), _, _ = processes[case]
    assert {inside[name] for name in READ} == {"ieee"}
    assert inside["matmul"] == "highest"
    assert inside["tf32"] is False  # and code that reads older switches meets no error
    assert (benchmark, is_deterministic) == (False, True)


@pytest.mark.parametrize("case", SET)
def test_every_switch_is_as_before_afterwards(processes, case):
    before, inside, again, after = processes[case]
    assert before == after
    assert inside == again
