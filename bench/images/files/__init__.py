"""Where image files lie: folders, archives, tables and remote stores, all seen as trees of names."""
