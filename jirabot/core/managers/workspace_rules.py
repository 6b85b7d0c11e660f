"""What a workspace must be like, asked before it is made and before it is changed."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import replace

from jirabot.config import Settings, WorkspaceDefaults
from jirabot.core.authenticity import Authenticity
from jirabot.core.issues import ServerInfo
from jirabot.core.managers.directory import settings_of
from jirabot.core.managers.gate import rights_in
from jirabot.core.people import Principal
from jirabot.core.ports import Deployment, NormalBase, Transaction
from jirabot.core.workspaces import Workspace
from jirabot.errors import ConfigurationInvalid, InvalidInput, WorkspaceExists


class WorkspaceRules:
    """Judges workspaces by the configuration, and by what their Jira says of itself."""

    def __init__(
        self,
        *,
        deployments: Mapping[str, Deployment],
        normal_base: NormalBase,
        safe_base: NormalBase,
        settings: Settings,
    ) -> None:
        self.normal_base, self.safe_base = normal_base, safe_base
        self._deployments, self._settings = deployments, settings

    def settings_of(self, workspace: Workspace) -> WorkspaceDefaults:
        """Give a workspace's settings, its own over the configured ones."""
        return settings_of(workspace, self._settings.workspace)

    def check_agent(self, agent: str) -> None:
        """Say that an agent is not configured.

        Raises:
            ConfigurationInvalid: it is not.
        """
        if agent and agent not in self._settings.agents:
            names = ", ".join(f"`{name}`" for name in self._settings.agents) or "none"
            raise ConfigurationInvalid(
                [f"no agent `{agent}` is configured (configured: {names})"],
                hint=f"add a section `[agents.{agent}]` to the configuration",
            )

    def takes_webhooks(self, workspace: Workspace) -> bool:
        """Say whether its Jira is to send webhooks, and so needs a secret."""
        return settings_of(workspace, self._settings.workspace).events != "poll"

    def auth_problems(self, deployment: str, auth: str) -> list[str]:
        """Say that nobody signs in to such a Jira that way."""
        known = self._deployments.get(deployment)
        if known is None or auth in known.auth_methods:
            return []
        return [f"`{auth}` is no way to sign in to this deployment: {', '.join(known.auth_methods)}"]

    def authenticity_problems(self, deployment: str, way: str, settings: Mapping[str, object]) -> list[str]:
        """Say that no webhook of such a Jira proves itself that way, or that it proves too little for *settings*."""
        known = self._deployments.get(deployment)
        if known is None:
            return []
        if way not in known.authenticities:
            ways = ", ".join(known.authenticities)
            return [f"`{way}` is no way in which webhooks of this deployment prove themselves: {ways}"]
        if settings.get("verify_trigger") is False and not Authenticity(way).covers_body:
            return [f"`verify_trigger` may be off only with `hmac`: `{way}` proves who sends, not what"]
        return []

    def check_deployment(self, workspace: Workspace, info: ServerInfo, *, hint: str) -> None:
        """Say that a Jira is of another kind than its workspace; *hint* what to do then.

        Raises:
            InvalidInput: it is.
        """
        if info.deployment != workspace.deployment:
            raise InvalidInput(
                f"the Jira at `{workspace.base_url}` is `{info.deployment}`, not `{workspace.deployment}`",
                hint=hint,
            )

    def unknown_address(self, workspace: Workspace, info: ServerInfo) -> str:
        """Give the address that a Jira has for itself, where the workspace does not know it.

        Webhooks name that address; unknown, each of them would be refused.
        """
        own = self.normal_base(info.base_url) if info.base_url else workspace.base_url
        return "" if own in workspace.base_urls else own

    def signing_problems(self, workspace: Workspace, info: ServerInfo) -> list[str]:
        """Say that a Jira can't prove what it sends."""
        signs = self._deployments[workspace.deployment].signs_webhooks(info)
        if signs or workspace.authenticity != Authenticity.HMAC:
            return []
        command = f"`jirabot workspace update {workspace.name} --authenticity url-token` lets them in"
        return [f"this Jira ({info.version_name}) can't sign its webhooks, so that they will be refused: {command}"]

    def authenticity_for(self, workspace: Workspace, info: ServerInfo) -> tuple[Workspace, tuple[str, ...]]:
        """Choose how the webhooks of a Jira prove themselves where nobody has, and say it where that is not usual."""
        if self._deployments[workspace.deployment].signs_webhooks(info):
            return workspace, ()
        told = (
            f"this Jira ({info.version_name}) can't sign its webhooks: they prove themselves by a secret at the end of "
            "the events URL (`url-token`)"
        )
        return replace(workspace, authenticity=Authenticity.URL_TOKEN.value), (told,)

    def as_jira_says(
        self, draft: Workspace, info: ServerInfo, *, hint: str, trusted: bool = True
    ) -> tuple[Workspace, tuple[str, ...]]:
        """Take over what a Jira says of itself, and warn of what will not work with it.

        One that is not *trusted* could call itself by another's address, and so take its events.

        Raises:
            InvalidInput: it is of another kind.
        """
        self.check_deployment(draft, info, hint=hint)
        warnings = self.signing_problems(draft, info)
        own = self.unknown_address(draft, info)
        if own and not trusted:
            warnings.append(f"this Jira calls itself `{own}`, which only whoever runs jirabot can add")
        elif own:
            warnings.append(f"this Jira calls itself `{own}`: that counts as its address, too")
            draft = replace(draft, also_known_as=(*draft.also_known_as, own))
        return draft, tuple(warnings)


def check_free(tx: Transaction, draft: Workspace, by: Principal) -> None:
    """Say that a name or address is another workspace's before Jira is asked; the constraint decides in the end.

    Which workspace that is, is told to its administrators.

    Raises:
        WorkspaceExists: it is.
    """
    rights = rights_in(tx, by)
    for other in tx.workspaces.list():
        if other.id == draft.id:
            continue
        told = rights.may_administer(other.id)
        hint = f"run `jirabot workspace show {other.name}` to see it" if told else "ask whoever runs jirabot"
        if other.name == draft.name:
            base = f", for `{other.base_url}`" if told else ""
            raise WorkspaceExists(f"there is a workspace `{other.name}` already{base}", hint=hint)
        for url in set(draft.base_urls) & set(other.base_urls):
            name = f", as workspace `{other.name}`" if told else ""
            raise WorkspaceExists(f"the Jira at `{url}` is served already{name}", hint=hint)


def unset_problems(keys: Sequence[str], changed: Mapping[str, object], *, stored: Mapping[str, object]) -> list[str]:
    """Say which of *keys* are no settings, or are set at the same time. What is *stored* can always be unset."""
    known = ["agent", *WorkspaceDefaults.model_fields, *stored]
    problems: list[str] = []
    for key in keys:
        if key in changed:
            problems.append(f"`{key}` is to be set and unset")
        elif key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            problems.append(f"there is no setting `{key}`" + (f"; did you mean `{near[0]}`?" if near else ""))
    return problems
