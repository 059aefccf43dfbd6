"""Metric filters and embedded metrics through boto3: what is sent to a group is what its metrics say. Ends with code 1 at the
first difference."""

import json
import time
from datetime import datetime, timedelta, timezone

import boto3

logs = boto3.client("logs")
metrics = boto3.client("cloudwatch")
GROUP = "shop"


def check(name, got, want):
    assert got == want, f"{name}: {got!r}, want {want!r}"


def refused(code, text, **arguments):
    try:
        logs.put_metric_filter(**arguments)
    except logs.exceptions.ClientError as e:
        check(f"{arguments}", (e.response["Error"]["Code"], e.response["Error"]["Message"]), (code, text))
    else:
        raise AssertionError(f"{arguments}: not refused")


def transformation(name, value="1", **more):
    return [{"metricName": name, "metricNamespace": "Shop", "metricValue": value, **more}]


def total(namespace, name, statistic="Sum", **dimensions):
    now = datetime.now(timezone.utc)
    out = metrics.get_metric_statistics(
        Namespace=namespace, MetricName=name, Dimensions=[{"Name": k, "Value": v} for k, v in dimensions.items()],
        StartTime=now - timedelta(hours=3), EndTime=now + timedelta(minutes=1), Period=60, Statistics=[statistic],
    )  # fmt: skip
    return sum(d[statistic] for d in out["Datapoints"])


logs.create_log_group(logGroupName=GROUP)
logs.create_log_stream(logGroupName=GROUP, logStreamName="s")
logs.put_metric_filter(
    logGroupName=GROUP, filterName="errors", filterPattern='{ $.level = "error" }',
    metricTransformations=transformation("Errors", defaultValue=0.0),
)  # fmt: skip
logs.put_metric_filter(
    logGroupName=GROUP, filterName="latency", filterPattern="{ $.ms = * && $.path = * }",
    metricTransformations=transformation("Latency", "$.ms", unit="Milliseconds", dimensions={"Path": "$.path"}),
)  # fmt: skip
logs.put_metric_filter(logGroupName=GROUP, filterName="bytes", filterPattern="[ip, user, req, status = 2*, size]", metricTransformations=transformation("Bytes", "$size"))
check("names", [f["filterName"] for f in logs.describe_metric_filters(logGroupName=GROUP)["metricFilters"]], ["bytes", "errors", "latency"])
check("by metric", len(logs.describe_metric_filters(metricName="Latency", metricNamespace="Shop")["metricFilters"]), 1)
check("count", logs.describe_log_groups(logGroupNamePrefix=GROUP)["logGroups"][0]["metricFilterCount"], 3)
found = logs.describe_metric_filters(logGroupName=GROUP, filterNamePrefix="lat")["metricFilters"][0]
check("transformation", found["metricTransformations"], transformation("Latency", "$.ms", unit="Milliseconds", dimensions={"Path": "$.path"}))

now = int(time.time() * 1000)
embedded = {
    "_aws": {
        "Timestamp": now,
        "CloudWatchMetrics": [{"Namespace": "Embedded", "Dimensions": [["Service"]], "Metrics": [{"Name": "Carts", "Unit": "Count"}]}],
    },
    "Service": "checkout",
    "Carts": [1, 2, 4],
}
messages = (
    [json.dumps({"level": "error", "n": i}) for i in range(7)]
    + [json.dumps({"level": "info", "ms": ms, "path": path}) for ms, path in [(1.5, "/a"), (2.5, "/a"), (10, "/b")]]
    + ['10.0.0.1 ann "GET /" 200 1500', '10.0.0.1 bob "GET /" 204 20', '10.0.0.1 bob "GET /" 404 99']
    + [json.dumps(embedded)]
)
hour_ago = now - 3_600_000
logs.put_log_events(logGroupName=GROUP, logStreamName="s", logEvents=[{"timestamp": hour_ago, "message": json.dumps({"level": "error"})}] + [{"timestamp": now, "message": m} for m in messages])

for _ in range(200):
    if total("AWS/Logs", "IncomingLogEvents", LogGroupName=GROUP) == len(messages) + 1:
        break
    time.sleep(0.1)
check("events", total("AWS/Logs", "IncomingLogEvents", LogGroupName=GROUP), len(messages) + 1)
check("errors", total("Shop", "Errors"), 8)
check("minutes with errors", total("Shop", "Errors", "SampleCount"), 8)
check("latency of a", total("Shop", "Latency", Path="/a"), 4.0)
check("latency of b", total("Shop", "Latency", Path="/b"), 10.0)
check("bytes", total("Shop", "Bytes"), 1520)
check("embedded", total("Embedded", "Carts", Service="checkout"), 7)
check("bytes of all", total("AWS/Logs", "IncomingBytes", LogGroupName=GROUP), sum(len(m) for m in messages) + len(json.dumps({"level": "error"})))

refused("InvalidParameterException", "Invalid metric filter pattern", logGroupName=GROUP, filterName="f", filterPattern="{ $.a = }", metricTransformations=transformation("m"))
refused(
    "InvalidParameterException", "Metric namespaces starting with AWS/ are reserved for AWS.", logGroupName=GROUP, filterName="f", filterPattern="",
    metricTransformations=[{"metricName": "m", "metricNamespace": "AWS/x", "metricValue": "1"}],
)  # fmt: skip
logs.delete_metric_filter(logGroupName=GROUP, filterName="errors")
check("left", [f["filterName"] for f in logs.describe_metric_filters(logGroupName=GROUP)["metricFilters"]], ["bytes", "latency"])
