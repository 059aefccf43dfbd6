// Metrics, alarms and dashboards with the SDK for JavaScript. Ends with an error if anything is wrong.
import assert from "node:assert/strict";
import {
  CloudWatchClient, DeleteAlarmsCommand, DescribeAlarmsCommand, GetMetricDataCommand, GetMetricStatisticsCommand, PutDashboardCommand,
  PutMetricAlarmCommand, PutMetricDataCommand, SetAlarmStateCommand, paginateListMetrics,
} from "@aws-sdk/client-cloudwatch";

const client = new CloudWatchClient({ maxAttempts: 1 });
const minute = Math.floor(Date.now() / 60_000) * 60_000;
const at = (minutes) => new Date(minute - minutes * 60_000);
const Dimensions = [{ Name: "Service", Value: "orders" }];

await client.send(new PutMetricDataCommand({
  Namespace: "App",
  MetricData: [1, 2, 3].map((i) => ({ MetricName: "Latency", Dimensions, Timestamp: at(i), Values: [i, 10.5], Counts: [1, 2], Unit: "Milliseconds" })),
}));
// Large enough to be compressed.
await client.send(new PutMetricDataCommand({
  Namespace: "App",
  MetricData: Array.from({ length: 700 }, (_, i) => ({ MetricName: "Many", Dimensions: [{ Name: "Host", Value: `host-${i}` }], Value: i })),
}));
let listed = 0;
for await (const page of paginateListMetrics({ client }, { Namespace: "App", MetricName: "Many" })) listed += page.Metrics.length;
assert.equal(listed, 700);

const stats = await client.send(new GetMetricStatisticsCommand({
  Namespace: "App", MetricName: "Latency", Dimensions, StartTime: at(60), EndTime: at(0), Period: 60, Statistics: ["Sum", "SampleCount"],
}));
const newest = stats.Datapoints.sort((a, b) => b.Timestamp - a.Timestamp)[0];
assert.deepEqual([stats.Datapoints.length, newest.Timestamp, newest.Sum, newest.SampleCount, newest.Unit], [3, at(1), 22, 3, "Milliseconds"]);

const data = await client.send(new GetMetricDataCommand({
  StartTime: at(60), EndTime: at(0), ScanBy: "TimestampAscending",
  MetricDataQueries: [
    { Id: "l", ReturnData: false, MetricStat: { Metric: { Namespace: "App", MetricName: "Latency", Dimensions }, Period: 60, Stat: "Maximum" } },
    { Id: "x", Expression: "l / 2" },
  ],
}));
assert.deepEqual(data.MetricDataResults[0].Values, [5.25, 5.25, 5.25]);
assert.deepEqual(data.MetricDataResults[0].Timestamps, [at(3), at(2), at(1)]);

await client.send(new PutMetricAlarmCommand({
  AlarmName: "slow", Namespace: "App", MetricName: "Latency", Dimensions, Statistic: "Maximum", Period: 60, EvaluationPeriods: 1, Threshold: 10,
  ComparisonOperator: "GreaterThanThreshold",
}));
await client.send(new SetAlarmStateCommand({ AlarmName: "slow", StateValue: "ALARM", StateReason: "a test" }));
const { MetricAlarms } = await client.send(new DescribeAlarmsCommand({ AlarmNames: ["slow"] }));
assert.equal(MetricAlarms[0].Threshold, 10);
assert.ok(Math.abs(MetricAlarms[0].StateUpdatedTimestamp - Date.now()) < 60_000);
await client.send(new DeleteAlarmsCommand({ AlarmNames: ["slow"] }));

const refused = async (command, name, status, test = () => {}) => {
  await assert.rejects(client.send(command), (e) => {
    assert.deepEqual([e.name, e.$metadata.httpStatusCode], [name, status], `${e}`);
    test(e);
    return true;
  });
};
await refused(new DeleteAlarmsCommand({ AlarmNames: ["none"] }), "ResourceNotFound", 404);
await refused(new PutMetricDataCommand({ Namespace: "App" }), "MissingRequiredParameterException", 400, (e) => {
  assert.equal(e.message, "The parameter MetricData is required.");
  assert.equal(e.Code ?? e.Error?.Code, "MissingParameter");
});
await refused(new PutDashboardCommand({ DashboardName: "d", DashboardBody: "{}" }), "DashboardInvalidInputError", 400, (e) => {
  assert.equal(e.dashboardValidationMessages.length, 1);
});
