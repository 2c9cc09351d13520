"""One bit that changes anywhere in cache, corpus or results never changes anything silently."""

import pytest

from tests.support.bit_flips import NOTICED, try_flips


@pytest.mark.slow
def test_no_flipped_bit_is_silent(tmp_path):
    trial = try_flips(tmp_path, 200)
    assert trial.faults == []
    assert trial.counts.total() == 200
    assert sum(count for (_, verdict), count in trial.counts.items() if verdict == NOTICED) > 180
