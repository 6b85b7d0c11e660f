"""The description of the management API (OpenAPI 3.1), made of the declared endpoints. Pure."""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from jirabot import __version__
from jirabot.daemon.api import answers
from jirabot.daemon.api.endpoints import Endpoint

CALLBACK_STATUSES = (400, 401, 403, 429, 500, 502, 503, 504)
"""Statuses of its refusals and failures."""

_REF = "#/components/schemas/{model}"
_PROBLEM = {"content": {"application/problem+json": {"schema": {"$ref": _REF.format(model="Problem")}}}}
_AGAIN = {"Retry-After": {"description": "In how many seconds to ask again", "schema": {"type": "integer"}}}


def document(endpoints: Sequence[Endpoint], *, callbacks: Mapping[str, str], server: str) -> dict[str, Any]:
    """Describe the endpoints, as they are reached at *server*, and where browsers come back to, by deployment."""
    schemas, components = _schemas(endpoints)
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, schemas)
    for deployment, path in callbacks.items():
        paths[path] = {"get": _callback(deployment)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "jirabot",
            "version": __version__,
            "description": "The management API: workspaces, links, and what goes on.",
        },
        "servers": [{"url": server}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A token of `jirabot token create`, or a JWT of the configured OIDC issuer",
                }
            },
        },
        "security": [{"bearer": []}],
    }


def _schemas(endpoints: Sequence[Endpoint]) -> tuple[Mapping[type[BaseModel], Any], dict[str, Any]]:
    """Make the schema of each model that is named, and of those that these are made of."""
    given = dict.fromkeys(each.body for each in endpoints if each.body)
    told = dict.fromkeys([answers.Problem, *(each.answer for each in endpoints)])
    named: Any = [*((model, "validation") for model in given), *((model, "serialization") for model in told)]
    found: Any
    found, definitions = models_json_schema(named, ref_template=_REF)
    return {model: schema for (model, _), schema in found.items()}, definitions["$defs"]


def _operation(endpoint: Endpoint, schemas: Mapping[type[BaseModel], Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": endpoint.name,
        "summary": endpoint.summary.partition(". ")[0].rstrip("."),
        "description": f"{endpoint.summary}\n\nFor {endpoint.who}.",
        "parameters": [*_path_parameters(endpoint.path), *_query_parameters(endpoint.query)],
        "responses": {
            "200": {
                "description": "OK",
                "content": {"application/json": {"schema": schemas[endpoint.answer]}},
            },
            **{str(status): _refusal(status) for status in endpoint.statuses},
        },
    }
    if endpoint.body is not None:
        content = {"application/json": {"schema": schemas[endpoint.body]}}
        operation["requestBody"] = {"required": endpoint.body_needed, "content": content}
    return operation


def _callback(deployment: str) -> dict[str, Any]:
    """Describe where a browser comes back to: no token is asked for, and a page is answered."""
    told = {
        "state": "What `authorizationUrl` had",
        "code": "What the consent page gives",
        "error": "What it gives in place of a code where nobody has consented",
    }
    text = {"schema": {"type": "string"}}
    return {
        "operationId": f"callback_{deployment}",
        "summary": "Where a browser comes back to from a consent page",
        "description": "Its cookie says that it is the browser which was sent there. Errors are pages too where the "
        "browser would rather have one.\n\nFor people's browsers.",
        "security": [],
        "parameters": [
            {"name": name, "in": "query", "required": False, "description": text_, "schema": {"type": "string"}}
            for name, text_ in told.items()
        ],
        "responses": {
            "200": {"description": "OK", "content": {"text/html": text}},
            **{str(status): _refusal(status) for status in CALLBACK_STATUSES},
        },
    }


def _path_parameters(path: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in re.findall(r"{(\w+)}", path)
    ]


def _query_parameters(query: type[BaseModel]) -> list[dict[str, Any]]:
    schema = query.model_json_schema(ref_template=_REF)
    return [
        {"name": name, "in": "query", "required": False, "schema": _in_query(each, schema.get("$defs", {}))}
        for name, each in schema.get("properties", {}).items()
    ]


def _in_query(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """Give the schema of a text in a query: what is left out is not written as `null`."""
    choices = [each for each in schema.get("anyOf", []) if each.get("type") != "null"]
    found = {**schema, **choices[0]} if len(choices) == 1 else dict(schema)
    found.pop("anyOf", None)
    if "$ref" in found:
        found |= definitions[found.pop("$ref").rpartition("/")[2]]
    return {name: value for name, value in found.items() if name != "default" or value is not None}


def _refusal(status: int) -> dict[str, Any]:
    headers = {"headers": _AGAIN} if status in (429, 503) else {}
    return {"description": HTTPStatus(status).phrase, **_PROBLEM, **headers}
