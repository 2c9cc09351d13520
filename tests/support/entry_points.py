"""Entry points as if further packages were installed."""

from importlib import metadata

from detectors import catalogue


def install(monkeypatch, group, **values):
    """Let `name="module:value"` be installed in a group, beside what is."""
    real = metadata.entry_points

    def entry_points(group):
        return metadata.EntryPoints([*real(group=group), *further.get(group, ())])

    further = {group: [metadata.EntryPoint(name, value, group) for name, value in values.items()]}
    monkeypatch.setattr(catalogue, "entry_points", entry_points)
