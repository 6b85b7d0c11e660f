"""The OIDC issuer whose tokens the management API takes: its keys, and whether a token was signed with one."""
