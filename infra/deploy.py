"""Deploys the web ACL, then the stack behind it: `deploy.py STAGE [--print] [argument of sam deploy …]`.

STAGE is a half of samconfig.toml, `default` or `prod`. CloudFront looks for web ACLs in us-east-1, whatever the stack's
region, so infra/waf.yaml is a stack of its own there, `<stack>-waf`; its output becomes the parameter WebAclArn. A stage
whose overrides say WithoutWebAcl=yes-i-accept goes without. `--print` prints the commands and runs none.

`make deploy` builds the functions and runs this.
"""

import os
import pathlib
import shlex
import subprocess
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[1]
SAM = pathlib.Path(os.environ.get("VENV", ROOT / ".venv/bin")) / "sam"
CLOUDFRONT_REGION = "us-east-1"


def stage_parameters(stage):
    """Parameters of `sam deploy` that samconfig.toml sets for `stage`."""
    with open(ROOT / "samconfig.toml", "rb") as file:
        config = tomllib.load(file)
    try:
        return config[stage]["deploy"]["parameters"]
    except KeyError:
        sys.exit(f"samconfig.toml has no [{stage}.deploy.parameters]")


def quoted(overrides):
    """Arguments of --parameter-overrides; sam cuts a value at its first space unless it is quoted."""
    escaped = {name: str(value).replace("\\", "\\\\").replace('"', '\\"') for name, value in overrides.items()}
    return [f'{name}="{value}"' for name, value in sorted(escaped.items())]


def web_acl_command(parameters, arguments):
    """Deploys infra/waf.yaml for the stack of `parameters`, by the role that `arguments` name, if any."""
    stack = parameters["stack_name"]
    at = arguments.index("--role-arn") if "--role-arn" in arguments else len(arguments)
    return [
        str(SAM), "deploy", "--config-env", "web-acl", "--template-file", str(ROOT / "infra/waf.yaml"),
        "--stack-name", f"{stack}-waf", "--region", CLOUDFRONT_REGION, "--no-fail-on-empty-changeset",
        "--no-confirm-changeset", "--tags", parameters["tags"], *arguments[at:at + 2],
    ]


def stack_command(stage, overrides, arguments):
    """Deploys template.yaml, as `sam build` left it, with `overrides` and further `arguments`."""
    return [str(SAM), "deploy", "--config-env", stage, *arguments, "--parameter-overrides", *quoted(overrides)]


def web_acl_arn(stack):
    """The output of the web ACL's stack."""
    import boto3  # Only here: printing needs no client.

    client = boto3.client("cloudformation", region_name=CLOUDFRONT_REGION)
    [described] = client.describe_stacks(StackName=f"{stack}-waf")["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}
    return outputs["WebAclArn"]


def main(arguments):
    if not arguments or arguments[0].startswith("-"):
        sys.exit(__doc__)
    stage, *arguments = arguments
    prints = "--print" in arguments
    arguments = [argument for argument in arguments if argument != "--print"]

    def run(command):
        print(shlex.join(command), flush=True)
        if not prints:
            code = subprocess.run(command, cwd=ROOT).returncode
            if code != 0:
                sys.exit(code)

    parameters = stage_parameters(stage)
    overrides = dict(parameters.get("parameter_overrides", {}))
    # What sam would take for all overrides is added to those of the stage.
    if "--parameter-overrides" in arguments:
        at = arguments.index("--parameter-overrides")
        overrides |= dict(argument.split("=", 1) for argument in arguments[at + 1:])
        arguments = arguments[:at]
    if overrides.get("WithoutWebAcl") != "yes-i-accept" and not overrides.get("WebAclArn"):
        run(web_acl_command(parameters, arguments))
        overrides["WebAclArn"] = "<output of the stack above>" if prints else web_acl_arn(parameters["stack_name"])
    run(stack_command(stage, overrides, arguments))


if __name__ == "__main__":
    main(sys.argv[1:])
