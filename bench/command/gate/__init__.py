"""What the regression gate runs."""
