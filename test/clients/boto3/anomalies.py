"""An anomaly detector through boto3: it learns from what is stored, finds a message as there was none before, and does not
report what is suppressed. Ends with code 1 at the first difference."""

import time

import boto3

logs = boto3.client("logs")
cloudwatch = boto3.client("cloudwatch")


def check(name, got, want):
    assert got == want, f"{name}: {got!r}, want {want!r}"


def send(messages):
    for i in range(0, len(messages), 5000):
        logs.put_log_events(logGroupName="shop", logStreamName="s", logEvents=messages[i : i + 5000])


logs.create_log_group(logGroupName="shop")
logs.create_log_stream(logGroupName="shop", logStreamName="s")
now = int(time.time() * 1000)
send([{"timestamp": now - s * 1000, "message": f"INFO request {s * 7919 % 10007} served in {s % 90} ms"} for s in range(3 * 3600, 0, -2)])

group = logs.describe_log_groups()["logGroups"][0]["logGroupArn"]
arn = logs.create_log_anomaly_detector(
    logGroupArnList=[group], detectorName="shop", evaluationFrequency="ONE_MIN", anomalyVisibilityTime=7, tags={"team": "a"}
)["anomalyDetectorArn"]
check("tags", logs.list_tags_for_resource(resourceArn=arn)["tags"], {"team": "a"})
for _ in range(120):
    status = logs.get_log_anomaly_detector(anomalyDetectorArn=arn)["anomalyDetectorStatus"]
    if status == "ANALYZING":
        break
    assert status in ("INITIALIZING", "TRAINING"), status
    time.sleep(0.5)
check("status", status, "ANALYZING")
check("detectors", [d["detectorName"] for d in logs.list_log_anomaly_detectors(filterLogGroupArn=group)["anomalyDetectors"]], ["shop"])

now = int(time.time() * 1000)
send([{"timestamp": now + i, "message": f"ERROR lost connection to 10.0.0.{i}"} for i in range(3)])
for _ in range(200):
    found = [a for a in logs.list_anomalies(anomalyDetectorArn=arn)["anomalies"] if "lost" in a["patternString"]]
    if found:
        break
    time.sleep(0.5)
check("anomalies", len(found), 1)
a = found[0]
check("pattern", a["patternString"], "ERROR lost connection to <*>")
check("what", (a["priority"], a["description"], a["state"], a["suppressed"], a["logGroupArnList"]), ("HIGH", "New pattern", "Active", False, [group]))
check("histogram", sum(a["histogram"].values()), 3)
check("tokens", [(t["tokenString"], t["isDynamic"]) for t in a["patternTokens"]], [("ERROR lost connection to ", False), ("<*>", True)])
check("enumerations", a["patternTokens"][1]["enumerations"], {f"10.0.0.{i}": 1 for i in range(3)})
check("samples", a["logSamples"][0]["message"], "ERROR lost connection to 10.0.0.0")

logs.update_anomaly(
    anomalyDetectorArn=arn, patternId=a["patternId"], suppressionType="LIMITED", suppressionPeriod={"value": 1, "suppressionUnit": "HOURS"}
)
a = logs.list_anomalies(suppressionState="SUPPRESSED")["anomalies"][0]
check("suppressed", (a["state"], a["isPatternLevelSuppression"], a["suppressedUntil"] - a["suppressedDate"]), ("Suppressed", True, 3600_000))
logs.update_anomaly(anomalyDetectorArn=arn, patternId=a["patternId"])
check("released", len(logs.list_anomalies(suppressionState="SUPPRESSED")["anomalies"]), 0)

names = [m["Dimensions"] for m in cloudwatch.list_metrics(Namespace="AWS/Logs", MetricName="AnomalyCount")["Metrics"]]
check("metric", names, [[{"Name": "LogAnomalyDetector", "Value": "shop"}, {"Name": "LogAnomalyPriority", "Value": "HIGH"}]])

logs.update_log_anomaly_detector(anomalyDetectorArn=arn, enabled=False)
check("paused", logs.get_log_anomaly_detector(anomalyDetectorArn=arn)["anomalyDetectorStatus"], "PAUSED")
logs.delete_log_anomaly_detector(anomalyDetectorArn=arn)
try:
    logs.get_log_anomaly_detector(anomalyDetectorArn=arn)
except logs.exceptions.ResourceNotFoundException:
    pass
else:
    raise AssertionError("the detector is still there")
