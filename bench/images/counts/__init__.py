"""Data sets of which nothing but the numbers of images are known: tables of counts, some of which ship."""
