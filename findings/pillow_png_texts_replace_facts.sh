#!/usr/bin/env bash
# Pillow 13.0.0: a text chunk of a PNG was expected to reach `info` or `text` beside what the file states in other chunks. A text
# takes the place of the fact of its keyword: a valid PNG with a colour profile and the text "icc_profile" gives that text as its
# profile, and one with the text "transparency" is said to have transparency and cannot be converted to RGBA (TypeError), though it
# has three opaque channels. A fact that stands behind the text in the file, as the resolution does, replaces the text in turn. Whoever
# reads `info` of PNG files from the web checks types.
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install --quiet --disable-pip-version-check pillow==13.0.0
"$here/venv/bin/python" - <<'PY'
import io

import PIL
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def reopened(keyword):
    texts, file = PngInfo(), io.BytesIO()
    if keyword:
        texts.add_text(keyword, "some text")
    Image.new("RGB", (4, 4), "red").save(file, "PNG", pnginfo=texts, icc_profile=profile, dpi=(72, 72))
    return Image.open(io.BytesIO(file.getvalue()))


print("pillow", PIL.__version__)
plain, named = reopened(""), reopened("icc_profile")
kinds = [type(image.info["icc_profile"]).__name__ for image in (plain, named)]
print("profile without the text:", kinds[0], "with it:", kinds[1])
clear = reopened("transparency")
print("has_transparency_data without the text:", plain.has_transparency_data, "with it:", clear.has_transparency_data)
try:
    clear.convert("RGBA")
    converted = "worked"
except TypeError as error:
    converted = f"TypeError: {error}"
print("conversion to RGBA with it:", converted)
print("dpi with the text dpi:", repr(reopened("dpi").info["dpi"]))
assert isinstance(plain.info["icc_profile"], bytes)
assert named.info["icc_profile"] == "some text"
assert not plain.has_transparency_data
assert clear.has_transparency_data
assert converted.startswith("TypeError")
assert reopened("dpi").info["dpi"] != "some text"
PY
