# SPDX-License-Identifier: Apache-2.0
"""openapi.json as a test uses it: its operations, and answers held against their schemas."""

import re

import jsonschema


class Document:
    def __init__(self, value):
        self.value = value
        self.prefix = value["servers"][0]["url"]
        self.operations = {}
        for path, methods in value["paths"].items():
            for method, operation in methods.items():
                name = operation["operationId"]
                if name in self.operations:
                    raise AssertionError(f"two operations are called {name}")
                self.operations[name] = (method.upper(), self.prefix + path, operation)

    def resolve(self, value):
        while "$ref" in value:
            found = self.value
            for part in value["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            value = found
        return value

    def responses(self, name):
        """Status: response, for an operation."""
        responses = self.operations[name][2]["responses"]
        return {int(status): self.resolve(response) for status, response in responses.items()}

    def pairs(self):
        """(method, pattern, role) as the router says it."""
        return {(method, path, operation["x-role"]) for method, path, operation in self.operations.values()}

    def check(self, name, answer):
        """Fails unless the document says that the operation may answer this."""
        response = self.responses(name).get(answer.status)
        if response is None:
            raise AssertionError(f"{name}: the document knows no {answer.status}: {answer.body[:300]}")
        content = response.get("content")
        if not content:
            if answer.body or answer.media_type:
                raise AssertionError(f"{name}: {answer.status} has a body: {answer.body[:300]}")
            return
        if answer.media_type not in content:
            raise AssertionError(f"{name}: {answer.status} is {answer.media_type}, not {', '.join(content)}")
        if answer.media_type.endswith("json"):
            self.validate(content[answer.media_type]["schema"], answer.json(), name)
        if answer.status >= 400 and answer.json()["status"] != answer.status:
            raise AssertionError(f"{name}: the problem says another status: {answer.body[:300]}")

    def validate(self, schema, value, name):
        whole = {**schema, "components": self.value["components"]}
        validator = jsonschema.Draft202012Validator(whole)
        errors = sorted(validator.iter_errors(value), key=lambda e: list(e.path))
        if errors:
            raise AssertionError(f"{name}: {errors[0].message} at {list(errors[0].path)} in {value}")

    def is_valid_body(self, name, value, media_type="application/json"):
        """Whether the document allows such a body."""
        schema = self.operations[name][2]["requestBody"]["content"][media_type]["schema"]
        whole = {**schema, "components": self.value["components"]}
        return jsonschema.Draft202012Validator(whole).is_valid(value)


def fill(path, values):
    """The path with its parameters filled in."""
    return re.sub(r"\{(\w+)\}", lambda m: values[m.group(1)], path)
