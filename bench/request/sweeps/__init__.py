"""Several runs as one file of TOML asks for them."""
