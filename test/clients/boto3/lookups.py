"""Lookup tables and field indexes as programs use them, and a query that joins with a table. Ends with code 1 if anything is wrong."""

import time

import boto3

logs = boto3.client("logs")


def check(name, got, want):
    assert got == want, f"{name}: {got!r}, want {want!r}"


def refused(code, operation, **arguments):
    try:
        getattr(logs, operation)(**arguments)
    except getattr(logs.exceptions, code):
        return
    raise AssertionError(f"{operation}({arguments}): not refused with {code}")


body = 'id,name\n1,"Smith, ""Joe"""\n2,Ann\n'
made = logs.create_lookup_table(lookupTableName="users", tableBody=body, description="who", tags={"team": "a"})
arn = made["lookupTableArn"]
check("ARN", arn, "arn:aws:logs:us-east-1:000000000000:lookup-table:users")
table = logs.get_lookup_table(lookupTableArn=arn)
check("body", (table["tableBody"], table["sizeBytes"], table["description"]), (body, len(body), "who"))
check("tags", logs.list_tags_for_resource(resourceArn=arn)["tags"], {"team": "a"})
for i in range(4):
    logs.create_lookup_table(lookupTableName=f"t{i}", tableBody="k\n")
names, token = [], None
while True:
    page = logs.describe_lookup_tables(maxResults=2, **({"nextToken": token} if token else {}))
    names += [t["lookupTableName"] for t in page["lookupTables"]]
    if not (token := page.get("nextToken")):
        break
check("names", names, ["t0", "t1", "t2", "t3", "users"])
refused("ResourceAlreadyExistsException", "create_lookup_table", lookupTableName="users", tableBody="k\n")
refused("ValidationException", "create_lookup_table", lookupTableName="bad", tableBody="a,a\n")
refused("ResourceNotFoundException", "get_lookup_table", lookupTableArn=arn + "x")
refused("InvalidParameterException", "get_lookup_table", lookupTableArn="users")

logs.create_log_group(logGroupName="app")
logs.create_log_stream(logGroupName="app", logStreamName="s")
now = int(time.time() * 1000)
logs.put_log_events(logGroupName="app", logStreamName="s", logEvents=[
    {"timestamp": now - 2, "message": '{"user":"1","path":"/a"}'}, {"timestamp": now - 1, "message": '{"user":"2","path":"/b"}'}])


def query(text):
    started = logs.start_query(logGroupName="app", startTime=now // 1000 - 60, endTime=now // 1000 + 60, queryString=text)
    while (result := logs.get_query_results(queryId=started["queryId"]))["status"] in ("Scheduled", "Running"):
        time.sleep(0.02)
    check("status", result["status"], "Complete")
    return [{c["field"]: c["value"] for c in row if c["field"] != "@ptr"} for row in result["results"]]


join = "fields path | lookup users id as user OUTPUT name | sort path asc | display path, name"
check("joined", query(join), [{"path": "/a", "name": 'Smith, "Joe"'}, {"path": "/b", "name": "Ann"}])
logs.update_lookup_table(lookupTableArn=arn, tableBody="id,name\n2,Eve\n")
check("joined with the new rows", query(join), [{"path": "/a"}, {"path": "/b", "name": "Eve"}])

document = '{"Fields":["path"],"FieldsV2":{"user":{"type":"FACET"}}}'
policy = logs.put_index_policy(logGroupIdentifier="app", policyDocument=document)["indexPolicy"]
check("policy", (policy["source"], policy["policyDocument"]), ("LOG_GROUP", document))
check("policies", logs.describe_index_policies(logGroupIdentifiers=["app"])["indexPolicies"], [policy])
found = {i["fieldIndexName"]: i for i in logs.describe_field_indexes(logGroupIdentifiers=["app"])["fieldIndexes"]}
check("index", (found["path"]["type"], found["path"]["firstEventTime"], found["path"]["lastEventTime"]), ("FIELD_INDEX", now - 2, now - 1))
check("facet", found["user"]["type"], "FACET")
check("indexed", query("filterIndex path = '/b' | fields path | display path"), [{"path": "/b"}])
refused("InvalidParameterException", "put_index_policy", logGroupIdentifier="app", policyDocument='{"Fields":["@message"]}')
logs.delete_index_policy(logGroupIdentifier="app")
check("no policies", logs.describe_index_policies(logGroupIdentifiers=["app"])["indexPolicies"], [])
refused("ResourceNotFoundException", "delete_index_policy", logGroupIdentifier="app")

for table in logs.describe_lookup_tables()["lookupTables"]:
    logs.delete_lookup_table(lookupTableArn=table["lookupTableArn"])
check("none left", logs.describe_lookup_tables()["lookupTables"], [])
