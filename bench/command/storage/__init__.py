"""Commands on what Lineup keeps on this machine."""
