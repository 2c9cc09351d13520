"""What every room stands on and none of them is about: files, errors, progress, where work runs."""
