"""From images of any size to what a method looks at."""
