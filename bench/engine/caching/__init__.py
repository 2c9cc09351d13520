"""What the cache folder holds of each image: facts of its file, and its embeddings."""
