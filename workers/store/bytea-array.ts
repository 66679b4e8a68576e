/**
 * Encodes byte strings as one `bytea[]` parameter in Postgres's binary array format.
 * node-postgres would write them as hexadecimal text: twice the bytes, and a pass over each of them on both sides.
 * Format: dimensions, has-null flag, element type, then length and lower bound of the dimension, then each element with its length (array_recv in Postgres).
 */
export function byteaArray(values: readonly Buffer[]): Buffer {
  const header = Buffer.alloc(values.length === 0 ? 12 : 20);
  header.writeInt32BE(values.length === 0 ? 0 : 1, 0);
  header.writeInt32BE(byteaType, 8);
  if (values.length > 0) {
    header.writeInt32BE(values.length, 12);
    header.writeInt32BE(1, 16);
  }
  const parts = values.flatMap((value) => {
    const length = Buffer.allocUnsafe(4);
    length.writeInt32BE(value.length);
    return [length, value];
  });
  return Buffer.concat([header, ...parts]);
}

const byteaType = 17;
