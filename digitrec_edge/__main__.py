"""``python -m digitrec_edge`` is the command line."""

from digitrec_edge.cli import main

if __name__ == "__main__":
    main()
