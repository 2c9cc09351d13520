"""The tiny generators that make the generated images of the embedded corpus."""
