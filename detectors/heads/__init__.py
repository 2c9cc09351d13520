"""Small classifiers over frozen embeddings, and recipes of linear probes."""
