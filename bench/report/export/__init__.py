"""Tables of finished runs in the forms that people and programs ask for."""
