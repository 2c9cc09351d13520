"""The words and names by which data sets call classes, splits and generators."""
