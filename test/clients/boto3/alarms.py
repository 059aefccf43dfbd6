"""Alarms that call somebody: what a log group counts, high-resolution metrics, composite alarms. The test that runs this is the
receiver; TOPIC names it."""

import os
import sys
import time

import boto3

TOPIC = os.environ["TOPIC"]
logs = boto3.client("logs")
cloudwatch = boto3.client("cloudwatch")


def wait(what, condition, seconds=60):
    for _ in range(seconds * 10):
        found = condition()
        if found:
            return found
        time.sleep(0.1)
    sys.exit(f"waited in vain for {what}")


def state(name, types=("MetricAlarm", "CompositeAlarm")):
    answer = cloudwatch.describe_alarms(AlarmNames=[name], AlarmTypes=list(types))
    return (answer["MetricAlarms"] + answer["CompositeAlarms"])[0]


def alarm(name, **more):
    settings = dict(
        AlarmName=name, AlarmActions=[TOPIC], Namespace="shop", MetricName=name, Statistic="Sum", Period=60,
        EvaluationPeriods=1, Threshold=2, ComparisonOperator="GreaterThanThreshold",
    )
    cloudwatch.put_metric_alarm(**{**settings, **more})


def from_logs():
    """A metric filter counts errors of the last minute, an alarm watches the metric."""
    logs.create_log_group(logGroupName="web")
    logs.create_log_stream(logGroupName="web", logStreamName="s")
    logs.put_metric_filter(
        logGroupName="web", filterName="errors", filterPattern='{ $.level = "error" }',
        metricTransformations=[{"metricName": "errors", "metricNamespace": "shop", "metricValue": "1"}],
    )
    minute = int(time.time() - 5) // 60 * 60 - 60
    logs.put_log_events(
        logGroupName="web", logStreamName="s",
        logEvents=[{"timestamp": (minute + i) * 1000, "message": '{"level":"%s"}' % level}
                   for i, level in enumerate(["error", "info", "error", "error"])],
    )

    def counted():
        points = cloudwatch.get_metric_statistics(
            Namespace="shop", MetricName="errors", StartTime=minute, EndTime=minute + 60, Period=60, Statistics=["Sum"])["Datapoints"]
        return points and points[0]["Sum"] == 3

    wait("the metric of the log group", counted)
    alarm("errors")
    wait("the alarm on the log group", lambda: state("errors")["StateValue"] == "ALARM")


def high_resolution():
    """An alarm with a period of ten seconds that is there before the data are."""
    alarm("load", Period=10, Statistic="Maximum", Threshold=90, OKActions=[TOPIC], TreatMissingData="ignore")
    cloudwatch.put_composite_alarm(
        AlarmName="both", AlarmRule='ALARM("errors") AND ALARM("load")', AlarmActions=[TOPIC], ActionsEnabled=True)
    cloudwatch.put_metric_data(Namespace="shop", MetricData=[{"MetricName": "load", "Value": 97.5, "StorageResolution": 1}])
    wait("the alarm of ten seconds", lambda: state("load")["StateValue"] == "ALARM")
    wait("the composite alarm", lambda: state("both")["StateValue"] == "ALARM")
    reason = state("load")["StateReason"]
    assert reason.startswith("Threshold Crossed: 1 out of the last 1 datapoints [97.5 ("), reason


def history():
    def done():
        items = cloudwatch.describe_alarm_history(AlarmName="load", HistoryItemType="Action")["AlarmHistoryItems"]
        return [i for i in items if i["HistorySummary"] == f"Successfully executed action {TOPIC}"]

    wait("the history of the action", done)


if sys.argv[1] == "set":
    cloudwatch.set_alarm_state(AlarmName=sys.argv[2], StateValue=sys.argv[3], StateReason="a test")
elif sys.argv[1] == "alarm":
    alarm(sys.argv[2], TreatMissingData="ignore")
else:
    from_logs()
    high_resolution()
    history()
