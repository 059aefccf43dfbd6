"""Logs Insights queries and saved queries through boto3. Ends with code 1 at the first difference."""

import json
import time

import boto3

logs = boto3.client("logs")
GROUP, OTHER = "/insights/a", "/insights/b"


def check(name, got, want):
    assert got == want, f"{name}: {got!r}, want {want!r}"


def refused(call, code, text, **arguments):
    try:
        call(**arguments)
    except logs.exceptions.ClientError as e:
        check(f"{arguments}", (e.response["Error"]["Code"], e.response["Error"]["Message"]), (code, text))
        return e.response
    raise AssertionError(f"{arguments}: not refused")


now = int(time.time())
RANGE = {"startTime": now - 3600, "endTime": now + 60}


def answer(query, **arguments):
    """Starts a query, waits for its end and returns its rows without @ptr, and the whole answer."""
    if not arguments.keys() & {"logGroupName", "logGroupNames", "logGroupIdentifiers", "queryLanguage"} and "SOURCE" not in query:
        arguments["logGroupName"] = GROUP
    started = logs.start_query(queryString=query, **RANGE, **arguments)
    while True:
        got = logs.get_query_results(queryId=started["queryId"])
        if got["status"] not in ("Scheduled", "Running"):
            break
        time.sleep(0.02)
    check(f"status of {query}", got["status"], "Complete")
    rows = [{f["field"]: f["value"] for f in row if f["field"] != "@ptr"} for row in got["results"]]
    return rows, got | started


for group in (GROUP, OTHER):
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="s")
first = now * 1000 - 60_000
EVENTS = [{"level": ["INFO", "ERROR", "WARN"][i % 3], "ms": i, "user": {"id": f"u{i % 4}"}} for i in range(30)]
logs.put_log_events(
    logGroupName=GROUP, logStreamName="s",
    logEvents=[{"timestamp": first + i, "message": json.dumps(e)} for i, e in enumerate(EVENTS)],
)  # fmt: skip
logs.put_log_events(logGroupName=OTHER, logStreamName="s", logEvents=[{"timestamp": first, "message": '{"user":{"id":"u1"}}'}])

# Answers, statistics, and the pointer to an event.
rows, whole = answer("fields @timestamp, ms, user.id | filter level = 'ERROR' | sort ms desc | limit 2")
stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime((first + 28) // 1000)) + ".%03d" % ((first + 28) % 1000)
check("rows", rows, [{"@timestamp": stamp, "ms": "28", "user.id": "u0"}, {"@timestamp": stamp[:-3] + "%03d" % ((first + 25) % 1000), "ms": "25", "user.id": "u1"}])
check("statistics", {k: whole["statistics"][k] for k in ("recordsMatched", "recordsScanned", "logGroupsScanned")},
      {"recordsMatched": 10.0, "recordsScanned": 30.0, "logGroupsScanned": 1.0})  # fmt: skip
pointer = next(f["value"] for f in whole["results"][0] if f["field"] == "@ptr")
check("record", logs.get_log_record(logRecordPointer=pointer)["logRecord"]["ms"], "28")

rows, _ = answer("stats count(*) as n, avg(ms) as mean by level | sort level")
check("stats", rows, [{"level": "ERROR", "n": "10", "mean": "14.5"}, {"level": "INFO", "n": "10", "mean": "13.5"}, {"level": "WARN", "n": "10", "mean": "15.5"}])
rows, _ = answer("stats count(*) as n by @log | sort n", logGroupNames=[GROUP, OTHER])
check("groups", [r["n"] for r in rows], ["1", "30"])
rows, _ = answer("SOURCE logGroups(namePrefix: ['/insights/']) | stats count(*) as n")
check("SOURCE", rows, [{"n": "31"}])
arn = logs.describe_log_groups(logGroupNamePrefix=OTHER)["logGroups"][0]["logGroupArn"]
rows, _ = answer(f"filter user.id in (SOURCE '{OTHER}' | fields user.id) | stats count(*) as n", logGroupIdentifiers=[arn])
check("subquery", rows, [{"n": "1"}])
rows, _ = answer("where level = 'ERROR' | stats count() as n", logGroupName=GROUP, queryLanguage="PPL")
check("PPL", rows, [{"n": "10"}])
rows, _ = answer(f"SELECT count(*) AS n FROM `{GROUP}` WHERE level = 'ERROR'", queryLanguage="SQL")
check("SQL", rows, [{"n": "10"}])

# Pages.
_, whole = answer("fields ms | sort ms asc")
pages, token = [], {}
while True:
    page = logs.get_query_results(queryId=whole["queryId"], maxItems=12, **token)
    pages.append([int(row[0]["value"]) for row in page["results"]])
    if "nextToken" not in page:
        break
    token = {"nextToken": page["nextToken"]}
check("pages", pages, [list(range(12)), list(range(12, 24)), list(range(24, 30))])

# Lists.
found = logs.describe_queries(logGroupName=OTHER)["queries"]
check("queries of a group", [q["status"] for q in found], ["Complete"] * 3)
check("groups of a query", logs.list_log_groups_for_query(queryId=whole["queryId"])["logGroupIdentifiers"], [GROUP])

# What is refused.
refused(logs.start_query, "ResourceNotFoundException", "The specified log group does not exist.", logGroupName="/none", queryString="fields a", **RANGE)
e = refused(logs.start_query, "MalformedQueryException", "unexpected symbol found = at line 1 and position 7", logGroupName=GROUP, queryString="filter = 3", **RANGE)
check("place", e["queryCompileError"]["location"], {"startCharOffset": 7, "endCharOffset": 8})
refused(logs.get_query_results, "ResourceNotFoundException", "The specified query does not exist.", queryId="none")
refused(logs.stop_query, "InvalidParameterException", "Query is not running. Queries that have ended cannot be stopped.", queryId=whole["queryId"])

# Saved queries.
saved = {"name": "team/slow", "queryString": "filter ms > {{least}} | fields ms", "logGroupNames": [GROUP], "parameters": [{"name": "least", "defaultValue": "27"}]}
made = logs.put_query_definition(**saved, clientToken="t" * 36)["queryDefinitionId"]
check("same token", logs.put_query_definition(**saved, clientToken="t" * 36)["queryDefinitionId"], made)
(listed,) = logs.describe_query_definitions(queryDefinitionNamePrefix="team/")["queryDefinitions"]
check("saved", {k: listed[k] for k in saved}, saved)
check("call", answer("$team/slow() | sort ms asc")[0], [{"ms": "28"}, {"ms": "29"}])
check("call with a value", answer("$team/slow(least=28)")[0], [{"ms": "29"}])
check("deleted", logs.delete_query_definition(queryDefinitionId=made)["success"], True)
refused(logs.delete_query_definition, "ResourceNotFoundException", "The specified query definition does not exist.", queryDefinitionId=made)
