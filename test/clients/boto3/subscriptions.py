"""Subscription filters, destinations and account policies as programs use them. Ends with code 1 if anything is wrong."""

import json
import time

import boto3

logs = boto3.client("logs")
function = "arn:aws:lambda:us-east-1:000000000000:function:ship"
stream = "arn:aws:kinesis:us-east-1:000000000000:stream/logs"
role = "arn:aws:iam::000000000000:role/ship"


def check(name, got, want):
    assert got == want, f"{name}: {got!r}, want {want!r}"


def refused(code, operation, **arguments):
    try:
        getattr(logs, operation)(**arguments)
    except logs.exceptions.ClientError as e:
        check(operation, e.response["Error"]["Code"], code)
        return
    raise AssertionError(f"{operation}({arguments}): not refused with {code}")


logs.create_log_group(logGroupName="/app")
logs.create_log_stream(logGroupName="/app", logStreamName="web")
logs.put_subscription_filter(logGroupName="/app", filterName="errors", filterPattern="ERROR", destinationArn=function)
logs.put_subscription_filter(
    logGroupName="/app", filterName="all", filterPattern="", destinationArn=stream, roleArn=role, distribution="Random")
pages = logs.get_paginator("describe_subscription_filters").paginate(logGroupName="/app", PaginationConfig={"PageSize": 1})
found = [f for p in pages for f in p["subscriptionFilters"]]
check("names", [f["filterName"] for f in found], ["all", "errors"])
check("all", {k: found[0][k] for k in ("destinationArn", "roleArn", "distribution", "filterPattern", "logGroupName")}, {
    "destinationArn": stream, "roleArn": role, "distribution": "Random", "filterPattern": "", "logGroupName": "/app"})
refused("InvalidParameterException", "put_subscription_filter", logGroupName="/app", filterName="x", filterPattern="{", destinationArn=function)
refused("InvalidParameterException", "put_subscription_filter", logGroupName="/app", filterName="x", filterPattern="", destinationArn=stream)
refused("ResourceNotFoundException", "delete_subscription_filter", logGroupName="/app", filterName="x")

made = logs.put_destination(destinationName="central", targetArn=stream, roleArn=role, tags={"team": "a"})["destination"]
check("ARN", made["arn"], "arn:aws:logs:us-east-1:000000000000:destination:central")
check("tags", logs.list_tags_for_resource(resourceArn=made["arn"])["tags"], {"team": "a"})
policy = json.dumps({"Version": "2012-10-17", "Statement": [{
    "Effect": "Allow", "Principal": {"AWS": "111111111111"}, "Action": "logs:PutSubscriptionFilter", "Resource": made["arn"]}]})
logs.put_destination_policy(destinationName="central", accessPolicy=policy)
listed = logs.describe_destinations(DestinationNamePrefix="cen")["destinations"]
check("policy", listed[0]["accessPolicy"], policy)
other = boto3.client("logs", aws_access_key_id="111111111111", aws_secret_access_key="x")
other.create_log_group(logGroupName="theirs")
other.put_subscription_filter(logGroupName="theirs", filterName="f", filterPattern="", destinationArn=made["arn"])
third = boto3.client("logs", aws_access_key_id="333333333333", aws_secret_access_key="x")
third.create_log_group(logGroupName="theirs")
try:
    third.put_subscription_filter(logGroupName="theirs", filterName="f", filterPattern="", destinationArn=made["arn"])
    raise AssertionError("the policy does not keep the third account out")
except logs.exceptions.ClientError as e:
    check("third", e.response["Error"]["Code"], "AccessDeniedException")

document = json.dumps({"DestinationArn": stream, "RoleArn": role, "FilterPattern": "", "Distribution": "Random"})
put = logs.put_account_policy(
    policyName="everything", policyType="SUBSCRIPTION_FILTER_POLICY", policyDocument=document, scope="ALL",
    selectionCriteria='LogGroupName NOT IN ["/app"]')["accountPolicy"]
check("policy", (put["policyName"], put["policyDocument"], put["accountId"]), ("everything", document, "000000000000"))
check("policies", len(logs.describe_account_policies(policyType="SUBSCRIPTION_FILTER_POLICY")["accountPolicies"]), 1)
logs.delete_account_policy(policyName="everything", policyType="SUBSCRIPTION_FILTER_POLICY")

now = int(time.time() * 1000)
logs.put_log_events(logGroupName="/app", logStreamName="web", logEvents=[
    {"timestamp": now + i, "message": f"{'ERROR' if i % 10 == 0 else 'ok'} {i}"} for i in range(100)])
