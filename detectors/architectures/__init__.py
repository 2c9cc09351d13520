"""Networks as torch modules. Import these inside functions only: torch is heavy."""
