"""Networks, one family a file, the paper in the header."""
