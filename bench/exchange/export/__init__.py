"""Per-image scores in the forms that other tools read."""
