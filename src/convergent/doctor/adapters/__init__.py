"""The doctor as a callback of other frameworks; each imports its framework, and is imported by its users only."""
