"""From the bytes of a file to 8-bit sRGB pixels, strictly."""
