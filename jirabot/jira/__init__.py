"""Everything about Jira: the client, deployments, signatures, rich text."""
