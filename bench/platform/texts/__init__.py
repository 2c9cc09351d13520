"""Texts of others: read as JSON, shown on a terminal, written as tables that spreadsheets open."""
