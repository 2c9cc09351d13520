"""Object stores: what is read from them and published on them, whole or not at all, whatever they answer meanwhile."""
