"""A scheduled query that runs every minute: its history and the object that it writes. Ends with code 1 if anything is wrong."""

import json
import time

import boto3

logs = boto3.client("logs")
s3 = boto3.client("s3")
ROLE = "arn:aws:iam::000000000000:role/query"


def check(name, got, want):
    assert got == want, f"{name}: {got!r}, want {want!r}"


def refused(code, operation, **arguments):
    try:
        getattr(logs, operation)(**arguments)
    except getattr(logs.exceptions, code):
        return
    raise AssertionError(f"{operation}({arguments}): not refused with {code}")


logs.create_log_group(logGroupName="app")
logs.create_log_stream(logGroupName="app", logStreamName="s")
logs.put_log_events(logGroupName="app", logStreamName="s", logEvents=[{"timestamp": int(time.time() * 1000) - 1000, "message": '{"level":"error"}'}])
s3.create_bucket(Bucket="results")


def create(name, uri=None, **more):
    destination = {"destinationConfiguration": {"s3Configuration": {"destinationIdentifier": uri, "roleArn": ROLE}}} if uri else {}
    more = {"scheduleExpression": "cron(* * * * ? *)", **destination, **more}
    return logs.create_scheduled_query(
        name=name, queryLanguage="CWLI", queryString="stats count(*) as n by level", logGroupIdentifiers=["app"], executionRoleArn=ROLE,
        startTimeOffset=3600, **more)


made = create("errors", "s3://results/daily", description="d", tags={"a": "b"})
create("lost", "s3://no-such-bucket")
create("off", state="DISABLED")
check("state", made["state"], "ENABLED")
check("tags", logs.list_tags_for_resource(resourceArn=made["scheduledQueryArn"])["tags"], {"a": "b"})
check("names", [q["name"] for q in logs.list_scheduled_queries()["scheduledQueries"]], ["errors", "lost", "off"])
check("off", [q["name"] for q in logs.list_scheduled_queries(state="DISABLED")["scheduledQueries"]], ["off"])
refused("ConflictException", "create_scheduled_query", name="errors", queryLanguage="CWLI", queryString="fields @message",
        logGroupIdentifiers=["app"], scheduleExpression="cron(0 9 * * ? *)", executionRoleArn=ROLE)
for expression, text in (("rate(1 minute)", "fields @message"), ("cron(0 9 * * ? *)", "nonsense")):
    refused("ValidationException", "create_scheduled_query", name="x", queryLanguage="CWLI", queryString=text,
            logGroupIdentifiers=["app"], scheduleExpression=expression, executionRoleArn=ROLE)
refused("ResourceNotFoundException", "get_scheduled_query", identifier="x")


def history(name):
    arguments = {"identifier": name, "startTime": int(time.time()) - 3600, "endTime": int(time.time()) + 3600}
    return [r for r in logs.get_scheduled_query_history(**arguments)["triggerHistory"] if r["executionStatus"] != "Running"]


deadline = time.time() + 90
while not (history("errors") and history("lost")):
    assert time.time() < deadline, "no run within 90 seconds"
    time.sleep(0.5)
run = history("errors")[-1]
check("run", (run["executionStatus"], run["triggeredTimestamp"] % 60_000), ("Complete", 0))
delivered = run["destinations"][0]
check("delivery", (delivered["destinationType"], delivered["status"]), ("S3", "COMPLETE"))
bucket, key = delivered["processedIdentifier"].removeprefix("s3://").split("/", 1)
written = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
check("object", (written["queryId"], written["results"]), (run["queryId"], [[{"field": "level", "value": "error"}, {"field": "n", "value": "1"}]]))
check("query", logs.get_query_results(queryId=run["queryId"])["results"], written["results"])
check("lost", history("lost")[-1]["destinations"][0]["status"], "CLIENT_ERROR")
check("not run", history("off"), [])
query = logs.get_scheduled_query(identifier=made["scheduledQueryArn"])
check("last", query["lastExecutionStatus"] in ("Complete", "Running"), True)
updated = logs.update_scheduled_query(identifier="errors", queryLanguage="CWLI", queryString="fields @message", logGroupIdentifiers=["app"],
                                      scheduleExpression="cron(0 9 ? * MON-FRI *)", executionRoleArn=ROLE)
check("cleared", ("description" in updated, "destinationConfiguration" in updated), (False, False))
for name in ("errors", "lost", "off"):
    logs.delete_scheduled_query(identifier=name)
check("none left", logs.list_scheduled_queries()["scheduledQueries"], [])
