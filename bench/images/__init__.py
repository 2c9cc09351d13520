"""Image sets: readers of layouts on disk, strict decoding, content hashes."""
