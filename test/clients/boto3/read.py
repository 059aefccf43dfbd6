"""Reads a stream back with GetLogEvents and a group with FilterLogEvents.

Usage: read.py GROUP STREAM
Prints one JSON object: the parsed messages as each of the two calls gave them.
"""

import json
import sys

import boto3

client = boto3.client("logs")
group, stream = sys.argv[1], sys.argv[2]

got = []
arguments = {"logGroupName": group, "logStreamName": stream, "startFromHead": True, "limit": 100}
while True:
    page = client.get_log_events(**arguments)
    got += page["events"]
    if page["nextForwardToken"] == arguments.get("nextToken"):
        break
    arguments["nextToken"] = page["nextForwardToken"]

filtered = []
for page in client.get_paginator("filter_log_events").paginate(
    logGroupName=group, logStreamNames=[stream], PaginationConfig={"PageSize": 150}
):
    filtered += page["events"]

assert [e["timestamp"] for e in got] == sorted(e["timestamp"] for e in got), "events are out of order"
assert len({e["eventId"] for e in filtered}) == len(filtered), "event ids repeat"
print(json.dumps({"get": [json.loads(e["message"]) for e in got], "filter": [json.loads(e["message"]) for e in filtered]}))
