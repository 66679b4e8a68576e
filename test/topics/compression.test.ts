import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from '@jest/globals';
import kafkajs, { type Kafka } from 'kafkajs';
import { compressFrameSync, compressSync as lz4Block } from 'lz4-napi';
import { compressSync as snappyBlock } from 'snappy';
import { prepareBinaries } from '../../services/binaries.js';
import { waitForTopics } from '../../workers/topics/admin.js';
import { createKafka } from '../../workers/topics/connection.js';
import { registerCompression } from '../../workers/topics/compression.js';
import { createEventProducer } from '../../workers/topics/producer.js';
import { servers } from '../servers.js';

const { CompressionCodecs, CompressionTypes } = kafkajs;
const text = Buffer.from('Booking events repeat themselves: booking events repeat themselves. '.repeat(1000));

registerCompression();

type Codec = Exclude<kafkajs.CompressionTypes, kafkajs.CompressionTypes.None>;

async function unpack(codec: Codec, bytes: Buffer): Promise<Buffer> {
  return CompressionCodecs[codec]().decompress(bytes);
}

describe('bytes as foreign producers write them', () => {
  /** snappy-java's SnappyOutputStream: magic, version 1, least version 1, then blocks of 32 KiB with their lengths. */
  test('snappy in frames of xerial, as Java writes it', async () => {
    const magic = Buffer.from([0x82, ...Buffer.from('SNAPPY'), 0, 0, 0, 0, 1, 0, 0, 0, 1]);
    const blocks = [text.subarray(0, 32_768), text.subarray(32_768)].flatMap((part) => {
      const block = snappyBlock(part);
      const length = Buffer.alloc(4);
      length.writeUInt32BE(block.length);
      return [length, block];
    });
    const frame = Buffer.concat([magic, ...blocks]);
    expect(await unpack(CompressionTypes.Snappy, frame)).toEqual(text);
    await expect(unpack(CompressionTypes.Snappy, frame.subarray(0, -1))).rejects.toThrow('middle of a block');
  });

  test('snappy in one raw block, as librdkafka and Go write it', async () => {
    expect(await unpack(CompressionTypes.Snappy, snappyBlock(text))).toEqual(text);
  });

  test('an lz4 frame of independent blocks without content size, as Java writes it', async () => {
    expect(await unpack(CompressionTypes.LZ4, lz4FrameOfJava(text))).toEqual(text);
  });

  test('an lz4 frame with checksums, as liblz4 writes it', async () => {
    expect(await unpack(CompressionTypes.LZ4, compressFrameSync(text, { contentChecksum: true, blockChecksums: true }))).toEqual(text);
  });

  test('a zstd frame without content size, as Java writes it', async () => {
    // Magic, descriptor 0 (no content size), a window, then one block.
    const raw = Buffer.from('plain');
    const block = Buffer.alloc(3);
    block.writeUIntLE((raw.length << 3) | 1, 0, 3); // the last block, raw
    const frame = Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58]), block, raw]);
    expect(await unpack(CompressionTypes.ZSTD, frame)).toEqual(raw);
  });

  test('registering again does no harm, and zstd says that it is not written', async () => {
    registerCompression();
    await expect(CompressionCodecs[CompressionTypes.ZSTD]().compress({ buffer: text })).rejects.toThrow('zstd is read, not written');
  });
});

/** A frame as Kafka's Lz4OutputStream has it: version 1, independent blocks, no checksums, 64 KiB blocks. */
function lz4FrameOfJava(content: Buffer): Buffer {
  const blocks: Buffer[] = [];
  for (let start = 0; start < content.length; start += 65_536) {
    // lz4-napi puts the length of the content before the block.
    const block = lz4Block(content.subarray(start, start + 65_536)).subarray(4);
    const size = Buffer.alloc(4);
    size.writeUInt32LE(block.length);
    blocks.push(size, block);
  }
  const descriptor = [0x60, 0x40];
  return Buffer.concat([Buffer.from([0x04, 0x22, 0x4d, 0x18, ...descriptor, 0x82]), ...blocks, Buffer.alloc(4)]);
}

describe('through Kafka', () => {
  let kafka: Kafka;
  let brokers: readonly string[];

  beforeAll(async () => {
    ({ kafkaBrokers: brokers } = await servers());
    kafka = createKafka({ brokers, clientId: 'compression-test' });
  });

  async function freshTopic(): Promise<string> {
    const admin = kafka.admin();
    const topic = `compression-${randomUUID()}`;
    await admin.connect();
    await admin.createTopics({ waitForLeaders: false, topics: [{ topic, numPartitions: 1 }] });
    await waitForTopics(admin, [topic]);
    await admin.disconnect();
    return topic;
  }

  async function read(topic: string, count: number): Promise<readonly string[]> {
    const consumer = kafka.consumer({ groupId: `reader-${randomUUID()}`, sessionTimeout: 6000 });
    const values: string[] = [];
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    const { promise, resolve, reject } = withResolvers();
    consumer.on('consumer.crash', ({ payload }) => reject(payload.error));
    await consumer.run({
      eachMessage: async ({ message }) => {
        values.push(String(message.value));
        if (values.length === count) resolve();
      },
    });
    await promise.finally(() => consumer.disconnect());
    return values;
  }

  /** Seen to fail without zstd in registerCompression: the consumer crashes with "ZSTD compression not implemented". */
  test.each(['gzip', 'snappy', 'lz4', 'zstd'])('a record batch that a Java producer compressed with %s is read', async (codec) => {
    const topic = await freshTopic();
    const lines = Array.from({ length: 500 }, (_, index) => `${index} ${'Grüße aus München '.repeat(10)}`);
    await produceWithJava(brokers, topic, codec, lines);
    expect(await read(topic, lines.length)).toEqual(lines);
  });

  test.each([CompressionTypes.GZIP, CompressionTypes.Snappy, CompressionTypes.LZ4])(
    'our own codec %d is read by Kafka and by us',
    async (compression) => {
      const topic = await freshTopic();
      const values = Array.from({ length: 500 }, (_, index) => `${index} ${'Grüße '.repeat(30)}`);
      const producer = createEventProducer(kafka, { compression });
      await producer.connect();
      await producer.sendBatch(
        topic,
        values.map((value) => ({ key: 'k', value: Buffer.from(value) })),
      );
      await producer.disconnect();
      expect(await read(topic, values.length)).toEqual(values);
    },
  );
});

/** A producer of Kafka's own Java client. */
async function produceWithJava(brokers: readonly string[], topic: string, codec: string, lines: readonly string[]): Promise<void> {
  const { kafka } = await prepareBinaries(() => undefined);
  const program = fileURLToPath(new URL('./ForeignProducer.java', import.meta.url));
  const producing = promisify(execFile)('java', ['-XX:TieredStopAtLevel=1', '-cp', kafka, program, brokers.join(','), topic, codec]);
  producing.child.stdin?.end(lines.map((line) => `${line}\n`).join(''));
  await producing;
}

function withResolvers(): { readonly promise: Promise<void>; readonly resolve: () => void; readonly reject: (error: Error) => void } {
  let resolve: () => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<void>((settle, refuse) => {
    resolve = settle;
    reject = refuse;
  });
  return { promise, resolve, reject };
}
