"""What a run leaves for people to read: the journal, the progress on the screen, the report."""
