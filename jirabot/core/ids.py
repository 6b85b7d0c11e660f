"""The names of things, each a type of its own, so that an issue's key can't stand where its id is meant."""

from typing import NewType

WorkspaceId = NewType("WorkspaceId", str)
"""Opaque and unguessable; the only thing that selects a workspace's secret, credentials and base URL."""

WorkspaceName = NewType("WorkspaceName", str)
"""What people type; `^[a-z0-9][a-z0-9._-]{0,99}$`."""

IssueId = NewType("IssueId", str)
"""Jira's own number of an issue, as text; stays when the issue moves."""

IssueKey = NewType("IssueKey", str)
"""`PAY-7`: for people; may change."""

AccountId = NewType("AccountId", str)
"""Who in Jira: the account id on Cloud, the user key on Data Center (the user name where there is no key)."""

UserId = NewType("UserId", str)
LinkId = NewType("LinkId", str)
DeliveryId = NewType("DeliveryId", str)
LaneId = NewType("LaneId", str)
ConversationId = NewType("ConversationId", str)
MessageId = NewType("MessageId", str)
RunId = NewType("RunId", str)
RepositoryId = NewType("RepositoryId", str)
TokenId = NewType("TokenId", str)
CommentId = NewType("CommentId", str)

EffectId = NewType("EffectId", str)
"""Random; also the mark that the comment carries in Jira."""

TriggerKey = NewType("TriggerKey", str)
"""`comment:<id>`, `changelog:<id>`, `created:<issue id>`: the same change has the same key, however it came."""

BackendName = NewType("BackendName", str)
"""An agent's name in the configuration (`[agents.NAME]`)."""
