"""What the cache folder holds in tables of its own: facts of files, and embeddings."""
