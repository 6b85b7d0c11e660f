"""The command line as a person uses it: the real program, a data folder, and a small Jira over real HTTP."""
