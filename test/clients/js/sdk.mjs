// The AWS SDK for JavaScript v3 against CloudWatch Logs and S3: what programs do with it, and the errors by class.
// Endpoint and credentials come from the environment. Any difference throws.
import assert from "node:assert/strict";
import { Readable } from "node:stream";
import {
  CloudWatchLogs,
  InvalidParameterException,
  ResourceAlreadyExistsException,
  ResourceNotFoundException,
  paginateDescribeLogGroups,
  paginateFilterLogEvents,
  paginateGetLogEvents,
} from "@aws-sdk/client-cloudwatch-logs";
import { GetObjectCommand, NoSuchBucket, NoSuchKey, PutObjectCommand, S3, paginateListObjectsV2 } from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";

const logs = new CloudWatchLogs({});
const group = { logGroupName: "js" };
const stream = { ...group, logStreamName: "s" };
await logs.createLogGroup({ ...group, tags: { a: "b" } });
await logs.createLogStream(stream);
await assert.rejects(logs.createLogGroup(group), ResourceAlreadyExistsException);
await assert.rejects(logs.createLogStream({ logGroupName: "no", logStreamName: "s" }), ResourceNotFoundException);
await assert.rejects(logs.createLogGroup({}), InvalidParameterException);
await assert.rejects(logs.putDataProtectionPolicy({ logGroupIdentifier: "g", policyDocument: "{}" }), { name: "UnknownOperationException" });

const now = Date.now();
const want = Array.from({ length: 5000 }, (_, i) => `m${i} ü\u0000\u{1f600}${"x".repeat(150)}`);
await logs.putLogEvents({ ...stream, logEvents: want.map((message) => ({ timestamp: now, message })) });
const read = async (pages) => {
  const messages = [];
  for await (const page of pages) messages.push(...page.events.map((e) => e.message));
  return messages;
};
assert.deepEqual(await read(paginateFilterLogEvents({ client: logs, pageSize: 700 }, { ...group, logStreamNames: ["s"] })), want);
assert.deepEqual(await read(paginateGetLogEvents({ client: logs, pageSize: 700, stopOnSameToken: true }, { ...stream, startFromHead: true })), want);
for (const name of ["a", "b", "c"]) await logs.createLogGroup({ logGroupName: `pages/${name}` });
const names = [];
for await (const page of paginateDescribeLogGroups({ client: logs, pageSize: 1 }, { logGroupNamePrefix: "pages/" })) names.push(...page.logGroups.map((g) => g.logGroupName));
assert.deepEqual(names, ["pages/a", "pages/b", "pages/c"]);

const s3 = new S3({ forcePathStyle: true });
const bucket = { Bucket: "js-bucket" };
const text = async (key) => (await s3.getObject({ ...bucket, Key: key })).Body.transformToString();
await s3.createBucket(bucket);
const big = Buffer.alloc(12 << 20, "abc");
await new Upload({ client: s3, params: { ...bucket, Key: "big/ü x+y", Body: big } }).done();
assert.ok(big.equals(Buffer.from(await (await s3.getObject({ ...bucket, Key: "big/ü x+y" })).Body.transformToByteArray())));
await s3.putObject({ ...bucket, Key: "empty", Body: "" });
await s3.putObject({ ...bucket, Key: "sum", Body: "content", ChecksumAlgorithm: "SHA256" });
assert.ok((await s3.headObject({ ...bucket, Key: "sum", ChecksumMode: "ENABLED" })).ChecksumSHA256);
await s3.putObject({ ...bucket, Key: "stream", Body: Readable.from([Buffer.from("abc"), Buffer.from("def")]), ContentLength: 6 });
assert.equal(await text("stream"), "abcdef");
// A presigned upload carries the checksum of an empty body, which S3 ignores.
const upload = await fetch(await getSignedUrl(s3, new PutObjectCommand({ ...bucket, Key: "signed" }), { expiresIn: 60 }), { method: "PUT", body: "put" });
assert.equal(upload.status, 200, await upload.text());
const download = await fetch(await getSignedUrl(s3, new GetObjectCommand({ ...bucket, Key: "signed" }), { expiresIn: 60 }));
assert.equal(await download.text(), "put");
await assert.rejects(s3.getObject({ ...bucket, Key: "none" }), NoSuchKey);
await assert.rejects(s3.headObject({ ...bucket, Key: "none" }), { name: "NotFound" });
await assert.rejects(s3.listObjectsV2({ Bucket: "none-such" }), NoSuchBucket);

const { taskId } = await logs.createExportTask({ ...group, from: now - 1000, to: now + 1000, destination: bucket.Bucket });
for (;;) {
  const { code } = (await logs.describeExportTasks({ taskId })).exportTasks[0].status;
  if (code === "COMPLETED") break;
  assert.ok(code === "PENDING" || code === "RUNNING", code);
  await new Promise((resolve) => setTimeout(resolve, 50));
}
const keys = [];
for await (const page of paginateListObjectsV2({ client: s3, pageSize: 2 }, bucket)) keys.push(...page.Contents.map((o) => o.Key));
assert.deepEqual(keys, ["big/ü x+y", "empty", "exportedlogs/aws-logs-write-test", `exportedlogs/${taskId}/s/000000.gz`, "signed", "stream", "sum"].sort());
assert.equal((await s3.deleteObjects({ ...bucket, Delete: { Objects: keys.map((Key) => ({ Key })) } })).Errors, undefined);
await s3.deleteBucket(bucket);
await logs.deleteLogGroup(group);
