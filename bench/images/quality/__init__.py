"""What is known of image files before a run: damage, duplicates, and what tells the classes apart."""
