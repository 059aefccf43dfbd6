"""Metrics, alarms and dashboards with boto3, in each of the protocols that botocore has for CloudWatch."""

import datetime
import json
import sys

import boto3
import botocore.config
from botocore.exceptions import ClientError

UTC = datetime.timezone.utc


def refused(what, code, status, call, **arguments):
    try:
        call(**arguments)
    except ClientError as e:
        got = (e.response["Error"]["Code"], e.response["ResponseMetadata"]["HTTPStatusCode"])
        assert got == (code, status), f"{what}: got {got}, want {code}, {status}: {e}"
        return e
    raise AssertionError(f"{what}: was accepted")


def check(protocol, namespace):
    # AWS_ENDPOINT_URL names the server. A client that is given no protocol takes the first that both know.
    session = boto3.Session()
    if protocol is None:
        client = session.client("cloudwatch")
    else:
        client = one_protocol(session, protocol)
    name = client.meta.service_model.resolved_protocol
    assert protocol in (None, name), f"{protocol}: botocore took {name}"

    now = datetime.datetime.now(UTC).replace(second=0, microsecond=0)
    dimensions = [{"Name": "Service", "Value": "orders & <co>"}]
    data = [
        {
            "MetricName": "latency",
            "Dimensions": dimensions,
            "Timestamp": now - datetime.timedelta(minutes=i + 1),
            "Values": [1.5, 10.0, 250],
            "Counts": [2, 3, 1],
            "Unit": "Milliseconds",
        }
        for i in range(5)
    ]
    client.put_metric_data(Namespace=namespace, MetricData=data)
    # More than 10 KiB, which botocore compresses.
    client.put_metric_data(
        Namespace=namespace,
        MetricData=[{"MetricName": "many", "Dimensions": [{"Name": "Host", "Value": f"host-{i:04}"}], "Value": i} for i in range(600)],
    )

    listed = list(client.get_paginator("list_metrics").paginate(Namespace=namespace, MetricName="many"))
    assert [len(page["Metrics"]) for page in listed] == [500, 100], [len(page["Metrics"]) for page in listed]
    one = client.list_metrics(Namespace=namespace, MetricName="latency")["Metrics"]
    assert one == [{"Namespace": namespace, "MetricName": "latency", "Dimensions": dimensions}], one

    stats = client.get_metric_statistics(
        Namespace=namespace, MetricName="latency", Dimensions=dimensions, StartTime=now - datetime.timedelta(hours=1), EndTime=now,
        Period=60, Statistics=["Sum", "Maximum"], Unit="Milliseconds",
    )
    points = sorted(stats["Datapoints"], key=lambda p: p["Timestamp"])
    assert len(points) == 5 and stats["Label"] == "latency", stats
    assert points[-1] == {"Timestamp": now - datetime.timedelta(minutes=1), "Sum": 283.0, "Maximum": 250.0, "Unit": "Milliseconds"}, points[-1]
    stats = client.get_metric_statistics(
        Namespace=namespace, MetricName="latency", Dimensions=dimensions, StartTime=now - datetime.timedelta(hours=1), EndTime=now,
        Period=300, ExtendedStatistics=["p50", "p99"],
    )
    assert all(set(p["ExtendedStatistics"]) == {"p50", "p99"} for p in stats["Datapoints"]), stats

    queries = [
        {"Id": "l", "ReturnData": False, "MetricStat": {
            "Metric": {"Namespace": namespace, "MetricName": "latency", "Dimensions": dimensions}, "Period": 60, "Stat": "Sum"}},
        {"Id": "double", "Expression": "l * 2", "Label": "twice"},
    ]
    got = client.get_metric_data(MetricDataQueries=queries, StartTime=now - datetime.timedelta(hours=1), EndTime=now, ScanBy="TimestampAscending")
    (result,) = got["MetricDataResults"]
    assert result["Id"] == "double" and result["Label"] == "twice" and result["StatusCode"] == "Complete", result
    assert result["Values"] == [566.0] * 5 and result["Timestamps"][0] == now - datetime.timedelta(minutes=5), result

    alarm = f"{namespace}-slow"
    client.put_metric_alarm(
        AlarmName=alarm, Namespace=namespace, MetricName="latency", Dimensions=dimensions, ExtendedStatistic="p99", Period=60, EvaluationPeriods=2,
        Threshold=200.5, ComparisonOperator="GreaterThanThreshold", TreatMissingData="notBreaching", Tags=[{"Key": "team", "Value": "a"}],
    )
    client.put_composite_alarm(AlarmName=f"{alarm}-all", AlarmRule=f"ALARM({alarm})")
    client.set_alarm_state(AlarmName=alarm, StateValue="OK", StateReason="a test")
    described = client.describe_alarms(AlarmNamePrefix=alarm, AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    (metric,), (composite,) = described["MetricAlarms"], described["CompositeAlarms"]
    assert metric["Threshold"] == 200.5 and metric["ExtendedStatistic"] == "p99" and metric["Dimensions"] == dimensions, metric
    assert abs(metric["StateUpdatedTimestamp"] - datetime.datetime.now(UTC)) < datetime.timedelta(minutes=1), metric
    assert composite["AlarmRule"] == f"ALARM({alarm})", composite
    tags = client.list_tags_for_resource(ResourceARN=metric["AlarmArn"])["Tags"]
    assert tags == [{"Key": "team", "Value": "a"}], tags
    history = client.describe_alarm_history(AlarmName=alarm, HistoryItemType="StateUpdate")["AlarmHistoryItems"]
    assert history and history[-1]["AlarmName"] == alarm, history
    client.delete_alarms(AlarmNames=[f"{alarm}-all"])
    client.delete_alarms(AlarmNames=[alarm])

    body = json.dumps({"widgets": [{"type": "text", "x": 0, "y": 0, "width": 6, "height": 2, "properties": {"markdown": "# é <b>"}}]})
    client.put_dashboard(DashboardName=namespace, DashboardBody=body)
    assert client.get_dashboard(DashboardName=namespace)["DashboardBody"] == body
    (entry,) = client.list_dashboards(DashboardNamePrefix=namespace)["DashboardEntries"]
    assert entry["Size"] == len(body), entry
    client.delete_dashboards(DashboardNames=[namespace])

    refused("no data", "MissingParameter", 400, client.put_metric_data, Namespace=namespace)
    refused("nothing to delete", "ResourceNotFound", 404, client.delete_alarms, AlarmNames=["none"])
    refused("tags of nothing", "ResourceNotFoundException", 404, client.list_tags_for_resource, ResourceARN=metric["AlarmArn"])
    refused("no dashboard", "ResourceNotFound", 404, client.get_dashboard, DashboardName=namespace)
    e = refused("bad dashboard", "InvalidParameterInput", 400, client.put_dashboard, DashboardName=namespace, DashboardBody="{}")
    assert isinstance(e, client.exceptions.DashboardInvalidInputError), type(e)
    refused("bad token", "InvalidNextToken", 400, client.describe_alarms, NextToken="x")
    refused("bad enum", "ValidationError", 400, client.set_alarm_state, AlarmName="a", StateValue="FINE", StateReason="x")
    refused("not built", "InvalidAction", 400, client.describe_anomaly_detectors)


def one_protocol(session, protocol):
    """Returns a client that speaks the given protocol only."""
    loader = session._session.get_component("data_loader")
    real = loader.load_service_model

    def load(service, *arguments, **options):
        model = real(service, *arguments, **options)
        if service == "cloudwatch" and "metadata" in model:
            model = {**model, "metadata": {**model["metadata"], "protocols": [protocol], "protocol": protocol}}
        return model

    loader.load_service_model = load
    try:
        return session.client("cloudwatch", config=botocore.config.Config(retries={"max_attempts": 1}))
    finally:
        loader.load_service_model = real


check(None, "Default")
for protocol in ("smithy-rpc-v2-cbor", "json", "query"):
    try:
        check(protocol, "In-" + protocol)
    except AssertionError as e:
        sys.exit(f"{protocol}: {e}")
