"""The command line: each command a thin call into a manager. Importing it stays light."""
