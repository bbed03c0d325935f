"""Recognise, read, split, cache, augment and batch data."""
