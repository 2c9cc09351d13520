"""What tables of a folder hold, column by column, as a Data Package."""
