"""The program with all of its commands, for typer to write the reference of."""

from digitrec_edge.cli.program import program

app = program()
