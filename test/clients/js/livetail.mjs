// Live Tail with the AWS SDK for JavaScript v3. Endpoint and credentials come from the environment. Any difference throws.
import assert from "node:assert/strict";
import { CloudWatchLogs, ResourceNotFoundException, StartLiveTailCommand } from "@aws-sdk/client-cloudwatch-logs";

// Without it the SDK would call stream-127.0.0.1.
const logs = new CloudWatchLogs({ disableHostPrefix: true });
const group = { logGroupName: "tailed" };
const arn = "arn:aws:logs:us-east-1:000000000000:log-group:tailed";
await logs.createLogGroup(group);
await logs.createLogStream({ ...group, logStreamName: "s" });
const put = (...messages) =>
  logs.putLogEvents({ ...group, logStreamName: "s", logEvents: messages.map((message) => ({ timestamp: Date.now(), message })) });

await assert.rejects(logs.send(new StartLiveTailCommand({ logGroupIdentifiers: [`${arn}-none`] })), ResourceNotFoundException);
const abort = new AbortController();
const { responseStream } = await logs.send(
  new StartLiveTailCommand({ logGroupIdentifiers: [arn], logStreamNames: ["s"], logEventFilterPattern: '{ $.n = 1 || $.text = "ü*" }' }),
  { abortSignal: abort.signal },
);
let updates = 0;
const got = [];
for await (const event of responseStream) {
  if (event.sessionStart) {
    assert.equal(updates, 0);
    assert.deepEqual(event.sessionStart.logGroupIdentifiers, [arn]);
    assert.deepEqual(event.sessionStart.logStreamNames, ["s"]);
    assert.equal(event.sessionStart.sessionId.length, 36);
    await put('{"n":1}', '{"n":2}', '{"text":"ü\\n"}', "no JSON");
    continue;
  }
  assert.ok(event.sessionUpdate, JSON.stringify(event));
  updates++;
  assert.equal(event.sessionUpdate.sessionMetadata.sampled, false);
  for (const e of event.sessionUpdate.sessionResults) {
    assert.equal(e.logStreamName, "s");
    assert.equal(e.logGroupIdentifier, "000000000000:tailed");
    assert.ok(Math.abs(Number(e.timestamp) - Date.now()) < 60_000 && Math.abs(Number(e.ingestionTime) - Date.now()) < 60_000);
    got.push(e.message);
  }
  if (updates === 3) break;
}
assert.deepEqual(got, ['{"n":1}', '{"text":"ü\\n"}']);
abort.abort();
process.exit(0); // an aborted stream keeps its connection for a while
