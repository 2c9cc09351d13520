"""Result folders as a user has them: named and tagged, listed, found by name, removed."""
