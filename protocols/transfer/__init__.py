"""Protocols whose train and test images differ: in generators, contents, dates or data sets."""
