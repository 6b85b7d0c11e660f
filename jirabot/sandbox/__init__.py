"""A small Jira over real HTTP, with the faces of Cloud and of Data Center, for the demo, for people to try, for tests.

It shares no code with the product, so that a misunderstanding of Jira can't hide on both sides at once.
"""
