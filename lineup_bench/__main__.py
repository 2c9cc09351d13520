"""`python -m lineup_bench`, the same as `lineup`."""

from lineup_bench.start import main

if __name__ == "__main__":
    main()
