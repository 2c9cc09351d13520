"""From images of any size to the input of a method."""
