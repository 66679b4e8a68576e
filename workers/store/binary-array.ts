/**
 * Arrays as one parameter in Postgres's binary array format.
 * node-postgres would write them as text: bytes in hexadecimal (twice as many), JSON with every quote escaped, and a pass over each character on both sides.
 * Format: dimensions, has-null flag, element type, then length and lower bound of the dimension, then each element with its length (array_recv in Postgres).
 */
function binaryArray(elementType: number, elements: readonly Buffer[]): Buffer {
  const header = Buffer.alloc(elements.length === 0 ? 12 : 20);
  header.writeInt32BE(elements.length === 0 ? 0 : 1, 0);
  header.writeInt32BE(elementType, 8);
  if (elements.length > 0) {
    header.writeInt32BE(elements.length, 12);
    header.writeInt32BE(1, 16);
  }
  const parts = elements.flatMap((element) => {
    const length = Buffer.allocUnsafe(4);
    length.writeInt32BE(element.length);
    return [length, element];
  });
  return Buffer.concat([header, ...parts]);
}

const [byteaType, jsonbType] = [17, 3802];

/** A `bytea[]` parameter. */
export const byteaArray = (values: readonly Buffer[]): Buffer => binaryArray(byteaType, values);

/** A `jsonb[]` parameter: each element is the version of the format (1) and the JSON text (jsonb_recv in Postgres). */
export const jsonbArray = (values: readonly object[]): Buffer => binaryArray(jsonbType, values.map((value) => Buffer.from(`\u0001${JSON.stringify(value)}`)));
