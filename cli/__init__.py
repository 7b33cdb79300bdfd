"""The `lab` command, a file for each subcommand: arguments in, calls to the rooms, tables out."""
