"""template.yaml in the emulator, as CloudFormation would make it of it.

What the emulator cannot do is changed in the expanded template, and nowhere else:

1. `ThrottledWritesAlarm` is left out: the emulator knows no metric math.
2. Secrets are given: its `GenerateSecretString` ignores what is excluded, and a key must be 64 hexadecimal digits.
3. The API's routes are made by hand after the stack: it ignores the `Body` of an HTTP API.
4. Bucket and queue policies lose their `aws:SecureTransport` denials: it speaks plain HTTP.
5. Functions are x86-64, and their code and the nested template lie in a bucket, where `sam package` would have put them.
"""

import io
import json
import pathlib
import secrets
import subprocess
import time
import zipfile

import botocore.exceptions
from emulator import REGION

ROOT = pathlib.Path(__file__).resolve().parents[2]
STACK = "thuocdo-foreign"
ARTEFACTS = "artefacts"
CREATING = 120
ORIGIN_SECRET = secrets.token_hex(24)


def expanded():
    """template.yaml after SAM's transform, by the Python that has it."""
    python = ROOT / ".venv/bin/python"
    output = subprocess.run(
        [python, "tests/expand-template.py", "template.yaml"], cwd=ROOT, check=True, capture_output=True, text=True)
    return json.loads(output.stdout)


def of_type(template, kind):
    return {name: resource for name, resource in template["Resources"].items() if resource["Type"] == kind}


def without_secure_transport(template):
    for kind in ("AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy"):
        for name, policy in of_type(template, kind).items():
            document = policy["Properties"]["PolicyDocument"]
            kept = [statement for statement in document["Statement"] if "aws:SecureTransport" not in json.dumps(statement)]
            document["Statement"] = kept
            if not kept:
                del template["Resources"][name]


def monitoring():
    """infra/monitoring.yaml without the alarm on metric math, cut out as text: its short tags stay as they are."""
    lines = (ROOT / "infra/monitoring.yaml").read_text(encoding="utf-8").splitlines(keepends=True)
    start = lines.index("  ThrottledWritesAlarm:\n")
    end = next(at for at in range(start + 1, len(lines)) if lines[at].startswith("  ") and lines[at][2:3].isalpha())
    return "".join(lines[:start] + lines[end:])


class Deployment:
    """The stack, and where its parts are."""

    def __init__(self, emulator, functions):
        self.emulator = emulator
        self.functions = pathlib.Path(functions)
        self.cloudformation = emulator.client("cloudformation")
        self.s3 = emulator.client("s3")
        self.dynamodb = emulator.client("dynamodb")
        self.lambda_ = emulator.client("lambda")

    def changed(self):
        template = expanded()
        template.pop("Metadata", None)
        for name, secret in of_type(template, "AWS::SecretsManager::Secret").items():
            del secret["Properties"]["GenerateSecretString"]
            secret["Properties"]["SecretString"] = ORIGIN_SECRET if name == "OriginSecret" else secrets.token_hex(32)
        without_secure_transport(template)
        for function in of_type(template, "AWS::Lambda::Function").values():
            binary = function["Metadata"]["BuildProperties"]["Binary"]
            function["Properties"]["Architectures"] = ["x86_64"]
            function["Properties"]["Code"] = {"S3Bucket": ARTEFACTS, "S3Key": self.package(binary)}
        self.s3.put_object(Bucket=ARTEFACTS, Key="monitoring.yaml", Body=monitoring().encode())
        nested = template["Resources"]["Monitoring"]["Properties"]
        nested["TemplateURL"] = f"{self.emulator.address}/{ARTEFACTS}/monitoring.yaml"
        return template

    def package(self, binary):
        """The key of a function's code; stripped, because the emulator unpacks it for every process."""
        stripped = pathlib.Path(self.emulator.folder.name) / binary
        subprocess.run(["strip", "-o", stripped, self.functions / binary], check=True)
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
            entry = zipfile.ZipInfo("bootstrap")
            entry.external_attr = 0o755 << 16
            archive.writestr(entry, stripped.read_bytes())
        stripped.unlink()
        key = f"{binary}.zip"
        self.s3.put_object(Bucket=ARTEFACTS, Key=key, Body=packed.getvalue())
        return key

    def create(self):
        self.s3.create_bucket(Bucket=ARTEFACTS, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.create_stack("us-east-1", f"{STACK}-waf", (ROOT / "infra/waf.yaml").read_text(encoding="utf-8"), {})
        acl = self.outputs(f"{STACK}-waf", "us-east-1")["WebAclArn"]
        parameters = {"WebAclArn": acl, "PublishSchedule": "rate(1 day)", "ReconcileSchedule": "rate(1 day)"}
        template = json.dumps(self.changed())
        self.refuse_without_a_web_acl(template)
        self.create_stack(REGION, STACK, template, parameters)
        self.out = self.outputs(STACK)
        self.make_routes()

    def create_stack(self, region, name, template, parameters):
        client = self.emulator.client("cloudformation", region)
        given = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
        # A template of more than 51,200 bytes is taken from a bucket only.
        self.s3.put_object(Bucket=ARTEFACTS, Key=f"{name}.template", Body=template.encode())
        url = f"{self.emulator.address}/{ARTEFACTS}/{name}.template"
        client.create_stack(StackName=name, TemplateURL=url, Parameters=given, Capabilities=["CAPABILITY_IAM"])
        end = time.monotonic() + CREATING
        while (state := client.describe_stacks(StackName=name)["Stacks"][0])["StackStatus"] == "CREATE_IN_PROGRESS":
            if time.monotonic() > end:
                raise AssertionError(f"{name}: still being created after {CREATING} s")
            time.sleep(0.2)
        if state["StackStatus"] != "CREATE_COMPLETE":
            events = client.describe_stack_events(StackName=name)["StackEvents"]
            reasons = [f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason')}"
                       for event in events if "FAILED" in event["ResourceStatus"]]
            raise AssertionError(f"{name}: {state['StackStatus']}: {reasons or state.get('StackStatusReason')}")

    def refuse_without_a_web_acl(self, template):
        try:
            self.create_stack(REGION, f"{STACK}-bare", template, {})
        except botocore.exceptions.ClientError as error:
            assert "WithoutWebAcl=yes-i-accept" in str(error), error
        else:
            raise AssertionError("a stack without a web ACL was created")

    def outputs(self, name, region=REGION):
        [stack] = self.emulator.client("cloudformation", region).describe_stacks(StackName=name)["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}

    def resources(self):
        pages = self.cloudformation.get_paginator("list_stack_resources").paginate(StackName=STACK)
        return [resource for page in pages for resource in page["StackResourceSummaries"]]

    def physical(self, logical):
        """The name the emulator gave to a resource of the template."""
        [found] = [resource["PhysicalResourceId"] for resource in self.resources() if resource["LogicalResourceId"] == logical]
        return found

    def make_routes(self):
        """Change 3: every route of the API's `Body`, with the integration it names."""
        gateway = self.emulator.client("apigatewayv2")
        self.api_id = self.physical("Api")
        paths = of_type(expanded(), "AWS::ApiGatewayV2::Api")["Api"]["Properties"]["Body"]["paths"]
        for path, methods in paths.items():
            for method, route in methods.items():
                described = route["x-amazon-apigateway-integration"]
                function = described["uri"]["Fn::Sub"].split("functions/${")[1].split(".Arn")[0]
                configuration = self.lambda_.get_function_configuration(FunctionName=self.physical(function))
                integration = gateway.create_integration(
                    ApiId=self.api_id, IntegrationType="AWS_PROXY", IntegrationUri=configuration["FunctionArn"],
                    PayloadFormatVersion=described["payloadFormatVersion"])
                target = f"integrations/{integration['IntegrationId']}"
                gateway.create_route(ApiId=self.api_id, RouteKey=f"{method.upper()} {path}", Target=target)

    def invoke(self, logical, event=None):
        """Runs a scheduled function now; its answer, which is not an error."""
        answer = self.lambda_.invoke(FunctionName=self.physical(logical), Payload=json.dumps(event or {}).encode())
        body = json.loads(answer["Payload"].read() or b"null")
        assert "FunctionError" not in answer, f"{logical}: {body}"
        return body

    def items(self, output):
        """Every item of a table, by the name of the output that names it."""
        found, start = [], {}
        while True:
            page = self.dynamodb.scan(TableName=self.out[output], ConsistentRead=True, **start)
            found += page["Items"]
            if "LastEvaluatedKey" not in page:
                return found
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def keys(self):
        """Keys of every published object."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.out["SiteBucketName"])
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]
