"""Charts as SVG: every element is written here, so a page, a file and a PNG show the same drawing."""
