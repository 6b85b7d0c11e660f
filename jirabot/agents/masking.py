"""Secrets of an agent's environment, taken out of everything that it prints. Pure."""

import json
from collections.abc import Iterable
from dataclasses import replace

from jirabot.core.agents import AgentEvent, Failed, Finished, Message, Progress, Question

SHORTEST = 6
"""Shorter values are no secrets but words and numbers; to mask `1` or `true` would spoil every text."""


class Mask:
    """Puts `***` where a secret stands: whole, line by line, or as JSON writes it."""

    def __init__(self, secrets: Iterable[str]) -> None:
        found: set[str] = set()
        for secret in secrets:
            for part in (secret, *secret.splitlines()):
                forms = (part.strip(), json.dumps(part.strip())[1:-1])
                found.update(form for form in forms if len(form) >= SHORTEST)
        self._forms = sorted(found, key=len, reverse=True)

    def text(self, text: str) -> str:
        """Mask *text*."""
        for form in self._forms:
            text = text.replace(form, "***")
        return text

    def event(self, event: AgentEvent) -> AgentEvent:
        """Mask what *event* says."""
        match event:
            case Progress():
                return replace(event, text=self.text(event.text), tool=self.text(event.tool))
            case Message() | Question() | Failed():
                return replace(event, text=self.text(event.text))
            case Finished():
                return replace(event, summary=self.text(event.summary))
            case _:
                return event
