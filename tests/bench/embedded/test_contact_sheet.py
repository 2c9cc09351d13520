import numpy as np
from PIL import Image

from bench.embedded import contact_sheet
from bench.embedded.corpus import jpeg_round_trip, scene_number
from bench.embedded.generators.generator import find_generator
from bench.embedded.scenes.scene import SIDE, render


def test_a_row_shows_scenes_beside_their_imitations(tmp_path, monkeypatch):
    monkeypatch.setattr(contact_sheet, "GENERATORS", (find_generator("gan_ps"),))
    monkeypatch.setattr(contact_sheet, "PAIRS", 2)
    contact_sheet.write_contact_sheet(tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as image:
        pixels = np.asarray(image.convert("RGB")).astype(int)
    side, corners = contact_sheet.CROP, [contact_sheet._place(0, pair, column) for pair in (0, 1) for column in (0, 1)]
    assert pixels.shape == (corners[0][1] + side, corners[3][0] + side, 3)
    shown = [pixels[upper : upper + side, left : left + side] for left, upper in corners]
    distances = [[np.abs(one - other).mean() for other in shown] for one in shown]
    assert 0 < distances[0][1] < distances[0][2]  # an imitation is nearer to its scene than another scene is
    assert 0 < distances[2][3] < distances[2][0]
    header = pixels[: contact_sheet.HEADER]
    assert all((header[:, left : left + side] < 200).any() for left, _ in corners)  # what each column is


def test_the_second_image_of_a_pair_is_the_imitation():
    (real, generated), *_ = contact_sheet._pairs("gan_ps", 7)
    number = scene_number(7, "val", "ai", 0)
    margin = (SIDE - contact_sheet.CROP) // 2
    whole = jpeg_round_trip(render(number).pixels, number)
    assert np.array_equal(whole[margin:-margin, margin:-margin], real)
    assert not np.array_equal(real, generated)
