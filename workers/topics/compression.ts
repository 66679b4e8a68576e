import { decompress as decompressZstd } from 'fzstd';
import kafkajs from 'kafkajs';
import { compressFrame, decompressFrame } from 'lz4-napi';
import { compress as compressSnappy, uncompress as decompressSnappy } from 'snappy';

/** What kafkajs asks of a codec: to pack its encoder's bytes, and to unpack a batch's. */
interface Codec {
  readonly compress: (encoder: { readonly buffer: Buffer }) => Promise<Buffer>;
  readonly decompress: (bytes: Buffer) => Promise<Buffer>;
}

/**
 * Teaches kafkajs the codecs that other producers use; alone it knows gzip, and a batch in any other crashes its consumer.
 * Call it before a consumer runs; again does no harm.
 */
export function registerCompression(): void {
  const { CompressionCodecs, CompressionTypes } = kafkajs;
  CompressionCodecs[CompressionTypes.Snappy] = () => snappy;
  CompressionCodecs[CompressionTypes.LZ4] = () => lz4;
  CompressionCodecs[CompressionTypes.ZSTD] = () => zstd;
}

const snappy: Codec = {
  compress: ({ buffer }) => compressSnappy(buffer),
  decompress: async (bytes) => {
    const blocks = await Promise.all(snappyBlocks(bytes).map((block) => decompressSnappy(block, { asBuffer: true })));
    return Buffer.concat(blocks.map((block) => Buffer.from(block)));
  },
};

const lz4: Codec = {
  compress: ({ buffer }) => compressFrame(buffer),
  decompress: (bytes) => decompressFrame(bytes),
};

const zstd: Codec = {
  compress: () => Promise.reject(new Error('zstd is read, not written: use gzip, snappy or lz4')),
  decompress: async (bytes) => Buffer.from(decompressZstd(bytes)),
};

/** The frame of xerial's snappy-java, which Java clients write: magic, version and least version (4 bytes each), then blocks with their lengths. */
const xerialMagic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const xerialHeader = 16;

/** librdkafka and Go write one raw block without a frame. */
function snappyBlocks(bytes: Buffer): readonly Buffer[] {
  if (!bytes.subarray(0, xerialMagic.length).equals(xerialMagic)) return [bytes];
  const blocks: Buffer[] = [];
  for (let position = xerialHeader; position < bytes.length;) {
    const start = position + 4;
    position = start + bytes.readUInt32BE(position);
    if (position > bytes.length) throw new Error('A snappy frame ends in the middle of a block');
    blocks.push(bytes.subarray(start, position));
  }
  return blocks;
}
