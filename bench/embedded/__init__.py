"""The embedded corpus and the small pretrained networks, made by the project itself: nothing is downloaded.

`scenes` renders the real class, `generators` holds the eight tiny networks that make the generated one, `corpus` writes
both as image files, `pretraining` trains every shipped weight again, `shortcut_probes` measures shortcuts that a
detector must not learn, and `contact_sheet` shows examples.
"""
