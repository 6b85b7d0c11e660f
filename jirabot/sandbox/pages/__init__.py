"""The pages where people see this Jira and write in it: usable without JavaScript, with nothing from outside."""
