"""Folders, archives, tables and remote stores, all listed and read as trees of files."""
