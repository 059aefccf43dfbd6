"""Filter patterns and reading paths through boto3. Ends with code 1 at the first difference."""

import json
import time

import boto3

logs = boto3.client("logs")
GROUP = "patterns"


def check(name, got, want):
    assert got == want, f"{name}: {got!r}, want {want!r}"


def refused(call, code, text, **arguments):
    try:
        call(**arguments)
    except logs.exceptions.ClientError as e:
        check(f"{arguments}", (e.response["Error"]["Code"], e.response["Error"]["Message"]), (code, text))
    else:
        raise AssertionError(f"{arguments}: not refused")


JSON = [
    {"level": "info", "status": 200, "tags": ["a"], "user": {"name": "ann"}},
    {"level": "error", "status": 503, "tags": ["a", "b"], "user": {"name": "bob"}},
    {"level": "error", "status": 404, "tags": [], "user": None, "cached": False},
]
ACCESS = [
    '10.0.0.7 - ann [10/Oct/2025:13:25:15 -0700] "GET /index.html HTTP/1.1" 404 1534',
    '10.0.0.8 - bob [10/Oct/2025:13:25:16 -0700] "POST /orders HTTP/1.1" 200 99',
]
messages = [json.dumps(m) for m in JSON] + ACCESS + ["WARN disk full", "plain ERROR line"]
logs.create_log_group(logGroupName=GROUP)
now = int(time.time() * 1000) - 10_000
for i, stream in enumerate(["one", "two"]):
    logs.create_log_stream(logGroupName=GROUP, logStreamName=stream)
    logs.put_log_events(
        logGroupName=GROUP, logStreamName=stream,
        logEvents=[{"timestamp": now + 2 * n + i, "message": m} for n, m in enumerate(messages)],
    )  # fmt: skip

CASES = [
    ("ERROR", [6]),
    ("?ERROR ?WARN", [5, 6]),
    ('"disk full"', [5]),
    ("%^[0-9.]+ - %", [3, 4]),
    ('{ $.level = "error" }', [1, 2]),
    ('{ $.level = "error" && $.status >= 500 }', [1]),
    ("{ $.status = 4* || $.status = 2* }", [0, 2]),
    ('{ $.tags[*] = "b" }', [1]),
    ("{ $.user IS NULL }", [2]),
    ("{ $.cached NOT EXISTS }", [0, 1]),
    ("{ $.cached IS FALSE }", [2]),
    ("{ $.user.name = %^a% }", [0]),
    ("[ip, id, user, ts, req, code = 404, size]", [3]),
    ("[..., size > 1000]", [3]),
    ("[ip = 10.0.*, ..., code, size]", [3, 4]),
]
pager = logs.get_paginator("filter_log_events")
for pattern, want in CASES:
    for size in (1, 3, 100):
        found = [
            (e["logStreamName"], messages.index(e["message"]))
            for page in pager.paginate(logGroupName=GROUP, filterPattern=pattern, PaginationConfig={"PageSize": size})
            for e in page["events"]
        ]
        check(f"{pattern} in pages of {size}", found, [(s, n) for n in want for s in ("one", "two")])
    matches = logs.test_metric_filter(filterPattern=pattern, logEventMessages=messages)["matches"]
    check(f"test_metric_filter {pattern}", [messages[m["eventNumber"]] for m in matches], [messages[n] for n in want])
    check(f"messages of {pattern}", [m["eventMessage"] for m in matches], [messages[n] for n in want])

matches = logs.test_metric_filter(filterPattern="[ip, id, user, ts, req, code = 4*, size]", logEventMessages=ACCESS)["matches"]
check("extracted values", matches[0]["extractedValues"], {
    "$ip": "10.0.0.7", "$id": "-", "$user": "ann", "$ts": "10/Oct/2025:13:25:15 -0700", "$req": "GET /index.html HTTP/1.1",
    "$code": "404", "$size": "1534",
})  # fmt: skip

for pattern, text in [
    ("{ $.a = }", "Invalid filter pattern"),
    ("{ $.a = 1", "If a filter pattern starts with '{' it must end with '}'"),
    ("[a, b", "If a filter pattern starts with '[' it must end with ']'"),
    ("user=42", "Invalid character(s) in term 'user=42'"),
    ("{ $.a EXISTS }", "Invalid filter pattern"),
]:
    refused(logs.filter_log_events, "InvalidParameterException", text, logGroupName=GROUP, filterPattern=pattern)
    refused(logs.test_metric_filter, "InvalidParameterException", text, filterPattern=pattern, logEventMessages=["x"])

# A session of pages shows what was there when it began; a client that follows with its last token sees more.
first = logs.filter_log_events(logGroupName=GROUP, limit=5)
logs.put_log_events(logGroupName=GROUP, logStreamName="one", logEvents=[{"timestamp": now + 1000, "message": "later"}])
count, token, last = len(first["events"]), first["nextToken"], None
while token:
    last, page = token, logs.filter_log_events(logGroupName=GROUP, limit=5, nextToken=token)
    assert page["events"], "an empty page before the end"
    count, token = count + len(page["events"]), page.get("nextToken")
check("events of the session", count, 2 * len(messages))
check("the last token again", "later" in [e["message"] for e in logs.filter_log_events(logGroupName=GROUP, limit=5, nextToken=last)["events"]], True)

fields = {f["name"]: f["percent"] for f in logs.get_log_group_fields(logGroupName=GROUP)["logGroupFields"]}
check("fields of every event", fields["@message"], 100)
check("fields of some events", 0 < fields["level"] < 100, True)
