"""Commands on runs that are finished."""
