"""Where the work of a run is done: the interface, and this machine."""
