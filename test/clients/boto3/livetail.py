"""Live Tail as programs use it. Endpoint and credentials come from the environment."""

import time

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

# Without it boto3 would call stream-127.0.0.1.
logs = boto3.client("logs", config=Config(inject_host_prefix=False, read_timeout=30))
arn = "arn:aws:logs:us-east-1:000000000000:log-group:"
for name in ("tailed", "other"):
    logs.create_log_group(logGroupName=name)
for stream in ("web-1", "db"):
    logs.create_log_stream(logGroupName="tailed", logStreamName=stream)


def put(stream, *messages):
    now = int(time.time() * 1000)
    logs.put_log_events(logGroupName="tailed", logStreamName=stream, logEvents=[{"timestamp": now, "message": m} for m in messages])


def begin(**request):
    """Opens a session and returns its events behind the first one, which is checked."""
    stream = logs.start_live_tail(**request)["responseStream"]
    events = iter(stream)
    start = next(events)["sessionStart"]
    assert start["logGroupIdentifiers"] == request["logGroupIdentifiers"], start
    assert len(start["sessionId"]) == 36 and len(start["requestId"]) == 36, start
    return stream, events


def read(events, count):
    got = []
    while len(got) < count:
        update = next(events)["sessionUpdate"]
        assert update["sessionMetadata"]["sampled"] is False, update
        got += update["sessionResults"]
    return got


put("db", "ERROR before the session")
everything, updates = begin(logGroupIdentifiers=[arn + "tailed", arn + "other"])
began = time.time()
assert next(updates)["sessionUpdate"]["sessionResults"] == []
assert 0.5 < time.time() - began < 5, "an update comes every second"
errors, filtered = begin(logGroupIdentifiers=[arn + "tailed"], logStreamNamePrefixes=["web"], logEventFilterPattern="ERROR")
put("web-1", "ERROR one", "fine", "ERROR grüße \U0001f600\n\ttab")
put("db", "ERROR two")
got = read(updates, 4)
assert [(e["logStreamName"], e["message"]) for e in got] == [
    ("web-1", "ERROR one"), ("web-1", "fine"), ("web-1", "ERROR grüße \U0001f600\n\ttab"), ("db", "ERROR two"),
], got
assert all(e["logGroupIdentifier"] == "000000000000:tailed" and abs(e["ingestionTime"] - e["timestamp"]) < 60_000 for e in got), got
assert [e["message"] for e in read(filtered, 2)] == ["ERROR one", "ERROR grüße \U0001f600\n\ttab"]
put("db", *[str(n) for n in range(2000)])
while True:
    update = next(updates)["sessionUpdate"]
    if update["sessionResults"]:
        break
assert update["sessionMetadata"]["sampled"] is True and len(update["sessionResults"]) == 500, update["sessionMetadata"]
everything.close()
errors.close()

for request, code in (
    ({"logGroupIdentifiers": [arn + "none"]}, "ResourceNotFoundException"),
    ({"logGroupIdentifiers": [arn + "tailed", arn + "other"], "logStreamNames": ["db"]}, "InvalidParameterException"),
    ({"logGroupIdentifiers": [arn + "tailed"], "logEventFilterPattern": "{ $.a ="}, "InvalidParameterException"),
):
    try:
        logs.start_live_tail(**request)
        raise AssertionError(f"{request} is taken")
    except ClientError as e:
        assert e.response["Error"]["Code"] == code, e
