"""Script A: send log events the way programs have done since sequence tokens were needed.

Usage: send.py GROUP STREAM FIRST COUNT [TOKEN]
Sends COUNT messages numbered from FIRST, one put_log_events call each. With TOKEN, that token is sent with every call.
The endpoint and the credentials come from the environment, as for any program.
"""

import json
import sys
import time

import boto3

client = boto3.client("logs")


def create_group_and_stream(group, stream):
    try:
        client.create_log_group(logGroupName=group)
    except client.exceptions.ResourceAlreadyExistsException:
        pass
    try:
        client.create_log_stream(logGroupName=group, logStreamName=stream)
    except client.exceptions.ResourceAlreadyExistsException:
        pass


def send(group, stream, message, token=None):
    if token is None:
        response = client.describe_log_streams(logGroupName=group, logStreamNamePrefix=stream)
        streams = [s for s in response["logStreams"] if s["logStreamName"] == stream]
        token = streams[0].get("uploadSequenceToken")
    event = {
        "logGroupName": group,
        "logStreamName": stream,
        "logEvents": [{"timestamp": int(time.time() * 1000), "message": json.dumps(message)}],
    }
    if token:
        event["sequenceToken"] = token
    response = client.put_log_events(**event)
    assert "rejectedLogEventsInfo" not in response, response
    return response["nextSequenceToken"]


def main():
    group, stream, first, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    token = sys.argv[5] if len(sys.argv) > 5 else None
    create_group_and_stream(group, stream)
    for n in range(first, first + count):
        next_token = send(group, stream, {"n": n, "text": f"message {n} – grüße, 世界 \"quoted\"\n\ttab"}, token)
        assert next_token, "an accepted batch must return a token for old clients"


main()
