"""The golden record, and what fell or rose since it was made."""
