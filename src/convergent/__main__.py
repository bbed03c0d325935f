"""`python -m convergent` is `convergent`."""

from convergent.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
