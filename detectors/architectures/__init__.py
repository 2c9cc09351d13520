"""Networks as torch modules. Import these inside functions only: the command line starts without torch."""
