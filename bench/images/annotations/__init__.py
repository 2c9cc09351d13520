"""What data sets state of their images: by folders, by the columns of tables, by lists of files."""
