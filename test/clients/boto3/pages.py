"""Reads through boto3's paginators, in small pages, and resumes one in the middle. Ends with code 1 if anything is missing."""

import time

import boto3

logs = boto3.client("logs")
s3 = boto3.client("s3")


def pages(client, operation, key, size, **arguments):
    found = list(client.get_paginator(operation).paginate(PaginationConfig={"PageSize": size}, **arguments))
    return [item for page in found for item in page.get(key, [])], len(found)


def check(name, got, want):
    assert got == want, f"{name}: {got!r}, want {want!r}"


GROUPS = [f"pages/{i}" for i in range(7)]
for group in GROUPS:
    logs.create_log_group(logGroupName=group)
STREAMS = [f"s{i}" for i in range(5)]
now = int(time.time() * 1000)
want = []
for i, stream in enumerate(STREAMS):
    logs.create_log_stream(logGroupName="pages/0", logStreamName=stream)
    events = [{"timestamp": now + n, "message": f"{stream} {n}"} for n in range(0, 10 + i)]
    logs.put_log_events(logGroupName="pages/0", logStreamName=stream, logEvents=events)
    want += events

found, count = pages(logs, "describe_log_groups", "logGroups", 2, logGroupNamePrefix="pages/")
check("describe_log_groups", ([g["logGroupName"] for g in found], count), (GROUPS, 4))
found, _ = pages(logs, "describe_log_streams", "logStreams", 2, logGroupName="pages/0")
check("describe_log_streams", [s["logStreamName"] for s in found], STREAMS)
found, _ = pages(logs, "describe_log_streams", "logStreams", 2, logGroupName="pages/0", orderBy="LastEventTime", descending=True)
check("describe_log_streams by time", [s["logStreamName"] for s in found], STREAMS[::-1])
found, _ = pages(logs, "filter_log_events", "events", 7, logGroupName="pages/0")
check("filter_log_events", sorted(e["message"] for e in found), sorted(e["message"] for e in want))
check("their order", [e["timestamp"] for e in found], sorted(e["timestamp"] for e in want))
check("their ids", len({e["eventId"] for e in found}), len(want))

s3.create_bucket(Bucket="pages")
for _ in range(3):
    task = logs.create_export_task(logGroupName="pages/0", fromTime=now - 1000, to=now + 1000, destination="pages")["taskId"]
    while logs.describe_export_tasks(taskId=task)["exportTasks"][0]["status"]["code"] in ("PENDING", "RUNNING"):
        time.sleep(0.05)
found, count = pages(logs, "describe_export_tasks", "exportTasks", 1)
check("describe_export_tasks", [t["status"]["code"] for t in found], ["COMPLETED"] * 3)
found, count = pages(s3, "list_objects_v2", "Contents", 4, Bucket="pages")
check("list_objects_v2", (len(found), count), (3 * len(STREAMS) + 1, 4))
found, _ = pages(s3, "list_objects", "Contents", 4, Bucket="pages")
check("list_objects", len(found), 3 * len(STREAMS) + 1)

first = logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix="pages/", PaginationConfig={"PageSize": 2, "MaxItems": 3}).build_full_result()
rest = logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix="pages/", PaginationConfig={"StartingToken": first["NextToken"]}).build_full_result()
check("a resumed paginator", [g["logGroupName"] for g in first["logGroups"] + rest["logGroups"]], GROUPS)

token, read = None, []
while True:  # GetLogEvents has no paginator: one stops when the token comes back
    page = logs.get_log_events(logGroupName="pages/0", logStreamName="s4", startFromHead=True, limit=3, **({"nextToken": token} if token else {}))
    read += [e["message"] for e in page["events"]]
    if page["nextForwardToken"] == token:
        break
    token = page["nextForwardToken"]
check("get_log_events", read, [f"s4 {n}" for n in range(14)])
