"""How a workspace's network differs from the machine's: its authorities, proxy, client certificate. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


class NetworkSettings(Protocol):
    """The settings that a network is made of; `jirabot.config.WorkspaceDefaults` has them."""

    @property
    def ca_file(self) -> str: ...
    @property
    def proxy(self) -> str: ...
    @property
    def client_cert_file(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """What every call of a workspace uses. What is empty is as the machine has it.

    `ca_file`: authorities that are trusted besides the system's. `proxy`: in place of the one that the environment
    names. `client_cert_file`: a certificate with its key, shown to servers that ask for one.
    """

    ca_file: str = ""
    proxy: str = ""
    client_cert_file: str = ""


AS_THE_MACHINE = Network()


def network_of(settings: NetworkSettings, changed: Mapping[str, Any] | None = None) -> Network:
    """Give the network that settings say; *changed*: a workspace's own, by name, which stand over them."""
    own = changed or {}
    return Network(
        ca_file=own.get("ca_file", settings.ca_file),
        proxy=own.get("proxy", settings.proxy),
        client_cert_file=own.get("client_cert_file", settings.client_cert_file),
    )
