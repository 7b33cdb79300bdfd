"""The `lab` command, a file a subcommand: arguments in, calls to the rooms, tables out."""
