"""template.yaml as CloudFormation gets it: SAM's transform, run here. Prints JSON.

    .venv/bin/python tests/expand-template.py template.yaml > template.json
"""

import json
import os
import sys

os.environ.setdefault("AWS_DEFAULT_REGION", "ap-southeast-1")

from samtranslator.translator.transform import transform  # noqa: E402
from samtranslator.yaml_helper import yaml_parse  # noqa: E402


class NoManagedPolicies:
    """No role of ours takes one; SAM asks AWS for their list otherwise."""

    def load(self):
        return {}


def expand(path):
    with open(path, encoding="utf-8") as file:
        template = yaml_parse(file.read())
    for resource in template["Resources"].values():
        # The transform wants what `sam package` would have put there.
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = "s3://bucket/key"
    globals_ = template.get("Globals", {}).get("Function", {})
    globals_.pop("CodeUri", None)
    return transform(template, {}, NoManagedPolicies())


if __name__ == "__main__":
    json.dump(expand(sys.argv[1]), sys.stdout, indent=1)
