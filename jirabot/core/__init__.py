"""Pure decisions, and the managers that carry values between ports. Knows no HTTP, SQL, Jira client or agent."""
