"""Every documented error of the built operations, caught the way programs do: by its modelled exception class.

Usage: errors.py
Prints each difference and ends with code 1 if there is one.
"""

import sys
import time

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

# The client must not refuse what the server has to refuse.
config = Config(parameter_validation=False, retries={"total_max_attempts": 1})
logs = boto3.client("logs", config=config)
s3 = boto3.client("s3")
failures = []

PARAMETER = "InvalidParameterException"
NOT_FOUND = "ResourceNotFoundException"
EXISTS = "ResourceAlreadyExistsException"
OPERATION = "InvalidOperationException"
VALIDATION = "ValidationException"
TAGS = "TooManyTagsException"
SERIALIZATION = "SerializationException"
UNKNOWN = "UnknownOperationException"

NO_GROUP = "The specified log group does not exist."
NO_STREAM = "The specified log stream does not exist."
STANDARD = "This operation is only supported on the Standard log class."
NOT_NULL = "1 validation error detected: Value null at '{}' failed to satisfy constraint: Member must not be null"
BAD_TOKEN = "The specified nextToken is invalid."

# Modelled nowhere in the service, so that botocore has no class for them.
UNMODELLED = {SERIALIZATION, UNKNOWN}


def refused(code, operation, message, **arguments):
    """The call must fail with code and with a message that contains the given one."""
    call = f"{operation}({', '.join(f'{k}={v!r}'[:60] for k, v in arguments.items())})"
    expected = ClientError if code in UNMODELLED else getattr(logs.exceptions, code)
    try:
        getattr(logs, operation)(**arguments)
    except expected as error:
        response = error.response
        if response["Error"]["Code"] != code:
            failures.append(f"{call}: {response['Error']}, want {code}")
        if message not in response["Error"]["Message"]:
            failures.append(f"{call}: {response['Error']['Message']!r}, want {message!r}")
        if response["ResponseMetadata"]["HTTPStatusCode"] != 400 or not response["ResponseMetadata"].get("RequestId"):
            failures.append(f"{call}: {response['ResponseMetadata']}, want 400 and a request id")
        return response
    except ClientError as error:
        failures.append(f"{call}: {error.response['Error']}, want {code}")
    else:
        failures.append(f"{call}: no error, want {code}")
    return {}


def event(timestamp, message):
    return {"timestamp": timestamp, "message": message}


def groups_and_streams():
    refused(PARAMETER, "create_log_group", NOT_NULL.format("logGroupName"))
    for name in ["", "a b", "a:b", "grün", "x" * 513]:
        refused(PARAMETER, "create_log_group", "at 'logGroupName' failed to satisfy constraint", logGroupName=name)
    refused(PARAMETER, "create_log_group", "reserved for AWS", logGroupName="aws/x")
    refused(PARAMETER, "create_log_group", "[STANDARD, INFREQUENT_ACCESS, DELIVERY]", logGroupName="x", logGroupClass="OTHER")
    refused(PARAMETER, "create_log_group", "aws:", logGroupName="x", tags={"aws:a": "b"})
    refused(PARAMETER, "create_log_group", "tags", logGroupName="x", tags={str(i): "" for i in range(51)})
    logs.create_log_group(logGroupName="g")
    refused(EXISTS, "create_log_group", "The specified log group already exists", logGroupName="g")
    refused(NOT_FOUND, "delete_log_group", NO_GROUP, logGroupName="no")
    refused(PARAMETER, "describe_log_groups", "Member must have value less than or equal to 50", limit=51)
    refused(PARAMETER, "describe_log_groups", "mutually exclusive", logGroupNamePrefix="a", logGroupNamePattern="b")
    refused(PARAMETER, "describe_log_groups", BAD_TOKEN, nextToken="garbage")
    refused(PARAMETER, "list_log_groups", "logGroupNamePattern", logGroupNamePattern="ab")
    refused(PARAMETER, "put_retention_policy", "Member must satisfy enum value set: [1, 3, 5,", logGroupName="g", retentionInDays=2)
    refused(NOT_FOUND, "put_retention_policy", NO_GROUP, logGroupName="no", retentionInDays=1)
    refused(NOT_FOUND, "delete_retention_policy", NO_GROUP, logGroupName="no")
    refused(NOT_FOUND, "create_log_stream", NO_GROUP, logGroupName="no", logStreamName="s")
    for name in ["", "a:b", "a*b", "x" * 513]:
        refused(PARAMETER, "create_log_stream", "at 'logStreamName' failed to satisfy constraint", logGroupName="g", logStreamName=name)
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    refused(EXISTS, "create_log_stream", "The specified log stream already exists", logGroupName="g", logStreamName="s")
    refused(NOT_FOUND, "delete_log_stream", NO_GROUP, logGroupName="no", logStreamName="no")
    refused(NOT_FOUND, "delete_log_stream", NO_STREAM, logGroupName="g", logStreamName="no")
    refused(NOT_FOUND, "describe_log_streams", NO_GROUP, logGroupName="no")
    refused(VALIDATION, "describe_log_streams", "mutually exclusive", logGroupName="g", logGroupIdentifier="g")
    refused(PARAMETER, "describe_log_streams", "logGroupIdentifier")
    refused(PARAMETER, "describe_log_streams", "Cannot order by LastEventTime with a logStreamNamePrefix.",
            logGroupName="g", logStreamNamePrefix="s", orderBy="LastEventTime")  # fmt: skip


def events():
    now = int(time.time() * 1000)
    stream = {"logGroupName": "g", "logStreamName": "s"}

    def put(code, message, *events, **other):
        refused(code, "put_log_events", message, **{**stream, "logEvents": list(events), **other})

    put(PARAMETER, "at 'logEvents' failed to satisfy constraint: Member must have length greater than or equal to 1")
    put(PARAMETER, "at 'logEvents' failed to satisfy constraint: Member must have length less than or equal to 10000", *[event(now, "x")] * 10001)
    put(PARAMETER, "at 'logEvents.1.member.message'", event(now, ""))
    put(PARAMETER, "at 'logEvents.2.member.timestamp'", event(now, "x"), event(-1, "x"))
    put(PARAMETER, "Log event too large: 1048577 bytes exceeds limit of 1048576", event(now, "x" * (1048576 - 25)))
    put(PARAMETER, "Upload too large: 1048577 bytes exceeds limit of 1048576", event(now, "x" * 524262), event(now, "x" * 524263))
    put(PARAMETER, "must be in chronological order.", event(now, "x"), event(now - 1, "x"))
    put(PARAMETER, "cannot span more than 24 hours.", event(now - 86400001, "x"), event(now, "x"))
    put(NOT_FOUND, NO_GROUP, event(now, "x"), logGroupName="no", logStreamName="no")
    put(NOT_FOUND, NO_STREAM, event(now, "x"), logStreamName="no")
    put(SERIALIZATION, "", event("yesterday", "x"))
    refused(PARAMETER, "get_log_events", NOT_NULL.format("logStreamName"), logGroupName="g")
    refused(NOT_FOUND, "get_log_events", NO_GROUP, logGroupName="no", logStreamName="no")
    refused(NOT_FOUND, "get_log_events", NO_STREAM, logGroupName="g", logStreamName="no")
    refused(PARAMETER, "get_log_events", BAD_TOKEN, nextToken="f/garbage", **stream)
    refused(PARAMETER, "get_log_events", "limit", limit=10001, **stream)
    refused(PARAMETER, "get_log_events", "startTime", startTime=2, endTime=1, **stream)
    refused(VALIDATION, "get_log_events", "mutually exclusive", logGroupIdentifier="g", **stream)
    refused(NOT_FOUND, "filter_log_events", NO_GROUP, logGroupName="no")
    refused(NOT_FOUND, "filter_log_events", NO_STREAM, logGroupName="g", logStreamNames=["no"])
    refused(PARAMETER, "filter_log_events", "mutually exclusive", logGroupName="g", logStreamNames=["s"], logStreamNamePrefix="s")
    refused(PARAMETER, "filter_log_events", "Invalid filter pattern", logGroupName="g", filterPattern='"open')
    refused(PARAMETER, "filter_log_events", "filterPattern", logGroupName="g", filterPattern="x" * 1025)
    refused(PARAMETER, "filter_log_events", BAD_TOKEN, logGroupName="g", nextToken="garbage")
    refused(PARAMETER, "get_log_record", "pointer", logRecordPointer="garbage")
    logs.create_log_group(logGroupName="rare", logGroupClass="INFREQUENT_ACCESS")
    logs.create_log_stream(logGroupName="rare", logStreamName="s")
    refused(VALIDATION, "filter_log_events", STANDARD, logGroupName="rare")
    refused(VALIDATION, "get_log_events", STANDARD, logGroupName="rare", logStreamName="s")
    refused(UNKNOWN, "put_data_protection_policy", "PutDataProtectionPolicy", logGroupIdentifier="g", policyDocument="{}")


def tags_and_protection():
    arn = logs.describe_log_groups(logGroupNamePrefix="g")["logGroups"][0]["logGroupArn"]
    refused(NOT_FOUND, "tag_resource", NO_GROUP, resourceArn=arn + "x", tags={"a": "b"})
    refused(PARAMETER, "tag_resource", "garbage", resourceArn="garbage", tags={"a": "b"})
    logs.tag_resource(resourceArn=arn, tags={str(i): "" for i in range(50)})
    error = refused(TAGS, "tag_resource", "50", resourceArn=arn, tags={"a": ""})
    if error.get("resourceName") != arn:
        failures.append(f"TooManyTagsException names the resource {error.get('resourceName')!r}, want {arn!r}")
    refused(PARAMETER, "tag_log_group", "50", logGroupName="g", tags={"a": ""})
    refused(NOT_FOUND, "untag_resource", NO_GROUP, resourceArn=arn + "x", tagKeys=["a"])
    refused(NOT_FOUND, "list_tags_for_resource", NO_GROUP, resourceArn=arn + "x")
    refused(NOT_FOUND, "list_tags_log_group", NO_GROUP, logGroupName="no")
    refused(NOT_FOUND, "untag_log_group", NO_GROUP, logGroupName="no", tags=["a"])
    refused(NOT_FOUND, "put_log_group_deletion_protection", NO_GROUP, logGroupIdentifier="no", deletionProtectionEnabled=True)
    logs.put_log_group_deletion_protection(logGroupIdentifier=arn, deletionProtectionEnabled=True)
    refused(VALIDATION, "delete_log_group", "Cannot delete log group with deletion protection enabled.", logGroupName="g")
    refused(VALIDATION, "delete_log_stream", "deletion protection", logGroupName="g", logStreamName="s")
    logs.put_log_group_deletion_protection(logGroupIdentifier="g", deletionProtectionEnabled=False)


def exports():
    now = int(time.time() * 1000)
    s3.create_bucket(Bucket="exports")
    task = {"logGroupName": "g", "fromTime": now - 86400000, "to": now + 1000, "destination": "exports"}
    refused(NOT_FOUND, "create_export_task", NO_GROUP, **{**task, "logGroupName": "no"})
    refused(PARAMETER, "create_export_task", "The given bucket does not exist. Please make sure the bucket is valid.", **{**task, "destination": "no-such-bucket"})
    refused(PARAMETER, "create_export_task", "from must be less than to", **{**task, "fromTime": task["to"]})
    refused(PARAMETER, "create_export_task", "at 'taskName'", **{**task, "taskName": ""})
    refused(NOT_FOUND, "cancel_export_task", "The specified export task does not exist.", taskId="11111111-1111-1111-1111-111111111111")
    refused(PARAMETER, "describe_export_tasks", "at 'statusCode'", statusCode="DONE")
    task_id = logs.create_export_task(**task)["taskId"]
    deadline = time.monotonic() + 60
    while logs.describe_export_tasks(taskId=task_id)["exportTasks"][0]["status"]["code"] in ("PENDING", "RUNNING"):
        if time.monotonic() > deadline:
            raise SystemExit("the export does not end")
        time.sleep(0.05)
    refused(OPERATION, "cancel_export_task", "The specified export task has already finished", taskId=task_id)


groups_and_streams()
events()
tags_and_protection()
exports()
print("\n".join(failures), file=sys.stderr)
sys.exit(1 if failures else 0)
