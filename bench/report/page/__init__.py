"""The page: one file of HTML with everything in it that people ask of finished runs."""
