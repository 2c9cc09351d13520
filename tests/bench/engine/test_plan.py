from dataclasses import replace

from bench.engine.plan import detector_names, fit_name, training_text
from protocols.api import Cell, Subset

TEST = Subset(("even",), "val")


def test_fits_of_one_run_that_are_kept_have_names_of_their_own():
    plain = Cell("checkerboard", Subset(("a", "b"), "train"), TEST)
    assert training_text(plain) == "a+b"
    others = [
        replace(plain, train=replace(plain.train, size=8)),
        replace(plain, train=replace(plain.train, degradation="jpeg:65")),
        replace(plain, options=(("sigma", 2.0),)),
        Cell("checkerboard", None, TEST, checkpoint="/weights/prob0.5.pth"),
    ]
    assert training_text(others[0]) == "a+b,train_size=8"
    assert training_text(others[3]) == "prob0.5"
    assert len({training_text(cell) for cell in (plain, *others)}) == 5


def test_fitted_detectors_of_one_run_have_different_files():
    one = Cell("cnnspot", None, TEST, checkpoint="/laion/best.pth")
    cells = {
        "0" * 64: one,
        "1" * 64: replace(one, checkpoint="/other/best.pth"),
        "2" * 64: replace(one, detector="npr"),
    }
    assert list(detector_names(cells).values()) == ["cnnspot-best-0-00000000", "cnnspot-best-0-11111111", "npr-best-0"]
    options = replace(one, options=(("sigma", 2.0),))
    assert training_text(options) != training_text(one)
    odd = [Cell("npr", Subset((name,), "train"), TEST) for name in ("a b", "a/b")]
    assert {fit_name(cell) for cell in odd} == {"a_b-0"}
    assert len(set(detector_names(dict(zip("34", odd, strict=True))).values())) == 2
