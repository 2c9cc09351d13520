"""What every other room uses: files, errors, progress, executors."""
