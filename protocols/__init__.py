"""Protocols, as pure functions from an image set to cells, and the degradations that they apply."""
