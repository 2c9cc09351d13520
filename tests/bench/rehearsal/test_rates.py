"""Rates: what was measured, what failed, and how both are kept."""

import json

from bench.rehearsal.rates import Rates


def test_rates_and_reasons_survive_being_written():
    rates = Rates()
    rates.put("decode", "JPEG", 0.002)
    rates.put("record", "", 1e-6)
    rates.fail("fit", "slow", RuntimeError("too slow"))
    again = Rates.from_json(json.loads(json.dumps(rates.to_json())))
    assert again == rates
    assert again.get("decode", "JPEG") == 0.002
    assert again.get("record") == 1e-6
    assert again.get("decode", "PNG") is None
    assert again.reason("fit", "slow") == "RuntimeError: too slow"
    assert Rates.from_json({}) == Rates()


def test_the_last_measurement_counts():
    rates = Rates()
    rates.fail("embed", "clip", "no weights")
    rates.put("embed", "clip", 0.1)
    assert (rates.get("embed", "clip"), rates.reason("embed", "clip")) == (0.1, "")
    rates.fail("embed", "clip", "gone")
    assert (rates.get("embed", "clip"), rates.reason("embed", "clip")) == (None, "gone")
