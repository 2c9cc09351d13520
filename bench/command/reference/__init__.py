"""Commands that say what words mean."""
