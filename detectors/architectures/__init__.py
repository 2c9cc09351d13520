"""Networks as torch modules, and their forward pass.

The command line starts without torch: modules that import it are imported inside functions, or at the top of modules
that are themselves. `gram_names` and `initial_weights` do not import it at their top and may be imported anywhere.
"""
