// winston-cloudwatch and pino's transport, as their READMEs show them. Any difference throws.
import assert from "node:assert/strict";
import { CloudWatchLogs } from "@aws-sdk/client-cloudwatch-logs";
import pino from "pino";
import winston from "winston";
import WinstonCloudWatch from "winston-cloudwatch";

const logs = new CloudWatchLogs({});
// stored waits for a stream to hold n events: both transports send in the background.
const stored = async (logGroupName, n) => {
  for (const until = Date.now() + 20000; ; ) {
    const { events } = await logs.getLogEvents({ logGroupName, logStreamName: "s", startFromHead: true }).catch((e) => {
      if (e.name === "ResourceNotFoundException") return { events: [] };
      throw e;
    });
    if (events.length >= n) return events.map((e) => e.message);
    assert.ok(Date.now() < until, `${logGroupName} holds ${events.length} events, want ${n}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};
const want = Array.from({ length: 20 }, (_, i) => `event ${i}`);

const failures = [];
const transport = new WinstonCloudWatch({
  logGroupName: "winston", logStreamName: "s", retentionInDays: 7, uploadRate: 100, awsOptions: { region: process.env.AWS_REGION },
  messageFormatter: ({ message }) => message, errorHandler: (e) => failures.push(e),
});
const logger = winston.createLogger({ transports: [transport] });
for (const message of want) logger.info(message);
await new Promise((resolve) => transport.kthxbye(resolve));
// winston-cloudwatch reverses what falls into one millisecond.
assert.deepEqual((await stored("winston", want.length)).sort(), [...want].sort());
logger.info("later"); // with the token of the first batch
assert.equal((await stored("winston", want.length + 1)).at(-1), "later");
await new Promise((resolve) => transport.kthxbye(resolve));
assert.deepEqual(failures, []);
assert.equal((await logs.describeLogGroups({ logGroupNamePrefix: "winston" })).logGroups[0].retentionInDays, 7);

const target = pino.transport({
  target: "@serdnam/pino-cloudwatch-transport",
  options: {
    logGroupName: "pino", logStreamName: "s", interval: 100, awsRegion: process.env.AWS_REGION,
    awsAccessKeyId: process.env.AWS_ACCESS_KEY_ID, awsSecretAccessKey: process.env.AWS_SECRET_ACCESS_KEY,
  },
});
const pinoLogger = pino(target);
for (const message of want) pinoLogger.info(message);
target.end(); // sends what is buffered
assert.deepEqual((await stored("pino", want.length)).map((m) => JSON.parse(m).msg), want);
process.exit(0); // the transports keep timers
