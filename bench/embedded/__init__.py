"""The default corpus and the small CLIP, both made by the project itself: nothing is downloaded.

`scenes` renders the real class, `generators` holds the eight tiny networks that make the generated one, `corpus` writes
both as image files, `training` makes every shipped weight again, and `probes` measures what a detector must not learn.
"""
