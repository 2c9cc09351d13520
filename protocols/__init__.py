"""What is asked: protocols as pure functions from an image set to cells, and the degradations they apply."""
