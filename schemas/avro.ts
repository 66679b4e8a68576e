/** The part of an Avro schema that the contracts use. Arrays are mutable because avsc's own types ask for it. */
export type AvroType = string | AvroType[] | RecordSchema | ArraySchema | MapSchema | LogicalSchema;

export interface RecordSchema {
  readonly type: 'record';
  readonly name: string;
  readonly namespace?: string;
  readonly doc?: string;
  readonly fields: RecordField[];
}

export interface RecordField {
  readonly name: string;
  readonly type: AvroType;
  readonly default?: null;
  readonly doc?: string;
}

export interface ArraySchema {
  readonly type: 'array';
  readonly items: AvroType;
}

export interface MapSchema {
  readonly type: 'map';
  readonly values: AvroType;
}

export interface LogicalSchema {
  readonly type: 'bytes' | 'int' | 'long';
  readonly logicalType: 'decimal' | 'date' | 'timestamp-millis';
  readonly precision?: number;
  readonly scale?: number;
}

/** An optional field's type `["null", X]` without its null, and whether null was allowed. */
export function nonNull(type: AvroType): { readonly type: AvroType; readonly optional: boolean } {
  if (!Array.isArray(type)) return { type, optional: false };
  const [other, ...more] = type.filter((branch) => branch !== 'null');
  if (other === undefined || more.length > 0) throw new Error('A union in a contract is null and one other type');
  return { type: other, optional: type.includes('null') };
}

/** Every record of a schema by its name, outer before inner. */
export function recordsOf(type: AvroType): ReadonlyMap<string, RecordSchema> {
  return new Map(nestedRecords(type).map((record) => [record.name, record]));
}

function nestedRecords(type: AvroType): readonly RecordSchema[] {
  if (typeof type === 'string') return [];
  if (Array.isArray(type)) return type.flatMap(nestedRecords);
  switch (type.type) {
    case 'record':
      return [type, ...type.fields.flatMap((field) => nestedRecords(field.type))];
    case 'array':
      return nestedRecords(type.items);
    case 'map':
      return nestedRecords(type.values);
    default:
      return [];
  }
}
