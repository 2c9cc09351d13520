"""How it is answered: images, engine, cache, statistics, tables and the command line."""
