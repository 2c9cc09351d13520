import numpy as np
from PIL import Image

from bench.embedded import contact_sheet
from bench.embedded.generators.generator import find_generator


def test_a_row_shows_scenes_beside_their_imitations(tmp_path, monkeypatch):
    monkeypatch.setattr(contact_sheet, "GENERATORS", (find_generator("gan_ps"),))
    monkeypatch.setattr(contact_sheet, "PAIRS", 2)
    contact_sheet.write_contact_sheet(tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as image:
        pixels = np.asarray(image.convert("RGB")).astype(int)
    step = contact_sheet.CROP + contact_sheet.GAP
    assert pixels.shape == (step, contact_sheet.CAPTION + 4 * step, 3)
    side = contact_sheet.CROP
    corners = [contact_sheet.CAPTION + index * step for index in range(4)]
    shown = [pixels[:side, corner : corner + side] for corner in corners]
    distances = [[np.abs(one - other).mean() for other in shown] for one in shown]
    assert 0 < distances[0][1] < distances[0][2]  # an imitation is nearer to its scene than another scene is
    assert 0 < distances[2][3] < distances[2][0]
