"""What comes from outside and what goes there: JSON of others, signals; lines, tables and spreadsheets for people."""
