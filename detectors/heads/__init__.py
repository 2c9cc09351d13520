"""Small classifiers over frozen embeddings."""
