"""Python's logging through watchtower, as its README shows, and what it stored."""

import logging

import boto3
import watchtower

handler = watchtower.CloudWatchLogHandler(
    log_group_name="watchtower",
    log_stream_name="{logger_name}/{strftime:%Y}",
    log_group_retention_days=14,
    log_group_tags={"team": "blue"},
    send_interval=1,
)
logger = logging.getLogger("app")
logger.setLevel(logging.INFO)
logger.addHandler(handler)
for i in range(50):
    logger.info("event %d – grüße", i)
logger.info({"structured": [1, None]})
logging.shutdown()

logs = boto3.client("logs")
group = logs.describe_log_groups(logGroupNamePrefix="watchtower")["logGroups"][0]
assert group["retentionInDays"] == 14, group
assert logs.list_tags_for_resource(resourceArn=group["logGroupArn"])["tags"] == {"team": "blue"}
(stream,) = logs.describe_log_streams(logGroupName="watchtower")["logStreams"]
events = logs.get_log_events(logGroupName="watchtower", logStreamName=stream["logStreamName"], startFromHead=True)["events"]
assert [e["message"] for e in events] == [f"event {i} – grüße" for i in range(50)] + ['{"structured": [1, null]}'], events
