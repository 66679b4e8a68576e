import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type AvroType, nonNull, type RecordField, type RecordSchema, recordsOf } from './avro.js';

/** The contracts in the order in which they are written: a later one imports the types that an earlier one has. */
const contracts = ['booking-event', 'order-event', 'customer-event'] as const;

/**
 * The TypeScript files of all contracts, by file name.
 *
 * @param folder where the `.avsc` files are
 */
export function generatedFiles(folder: string): ReadonlyMap<string, string> {
  const homes = new Map<string, string>();
  return new Map(
    contracts.map((contract) => {
      const text = readFileSync(join(folder, `${contract}.avsc`), 'utf8').trimEnd();
      const source = typeScriptOf(contract, text, homes);
      return [`${contract}.ts`, source];
    }),
  );
}

function typeScriptOf(contract: string, schemaText: string, homes: Map<string, string>): string {
  const schema: RecordSchema = JSON.parse(schemaText);
  const records = [...recordsOf(schema).values()];
  const own = records.filter(({ name }) => !homes.has(name));
  for (const { name } of own) homes.set(name, contract);
  return [
    `// Written by generate.ts from ${contract}.avsc: change that and run \`npm run generate\`.`,
    `import type { RecordSchema } from './avro.js';`,
    ...imports(records, own, homes),
    '',
    own.map(interfaceOf).join('\n\n'),
    '',
    `/** Every record of the contract by its name. */`,
    `export interface ${schema.name}Records {`,
    ...own.map(({ name }) => `  readonly ${name}: ${name};`),
    '}',
    '',
    `/** The contract itself, as ${contract}.avsc has it. */`,
    `export const ${schema.name[0]?.toLowerCase()}${schema.name.slice(1)}Schema: RecordSchema = ${schemaText};`,
    '',
  ].join('\n');
}

function imports(records: readonly RecordSchema[], own: readonly RecordSchema[], homes: ReadonlyMap<string, string>): readonly string[] {
  const text = own.map(interfaceOf).join('\n');
  const foreign = records.filter((record) => !own.includes(record) && new RegExp(`: .*\\b${record.name}\\b`).test(text));
  const scalars = ['Decimal', 'Instant', 'LocalDate'].filter((scalar) => new RegExp(`: .*\\b${scalar}\\b`).test(text));
  const files = new Set(foreign.map(({ name }) => homes.get(name)));
  return [
    ...[...files].map((file) => `import type { ${foreign.filter(({ name }) => homes.get(name) === file).map(({ name }) => name).join(', ')} } from './${file}.js';`),
    ...(scalars.length > 0 ? [`import type { ${scalars.join(', ')} } from './scalars.js';`] : []),
  ];
}

function interfaceOf({ name, doc, fields }: RecordSchema): string {
  return [...comment(doc, ''), `export interface ${name} {`, ...fields.flatMap(propertyOf), '}'].join('\n');
}

function propertyOf({ name, type, doc }: RecordField): readonly string[] {
  const { type: inner, optional } = nonNull(type);
  return [...comment(doc, '  '), `  readonly ${name}${optional ? '?' : ''}: ${typeOf(inner)}${optional ? ' | null' : ''};`];
}

const comment = (doc: string | undefined, indent: string): readonly string[] => (doc ? [`${indent}/** ${doc} */`] : []);

const scalarNames: Readonly<Record<string, string>> = {
  string: 'string',
  int: 'number',
  long: 'number',
  boolean: 'boolean',
  decimal: 'Decimal',
  date: 'LocalDate',
  'timestamp-millis': 'Instant',
};

function typeOf(type: AvroType): string {
  if (typeof type === 'string') return scalarNames[type] ?? type;
  if (Array.isArray(type)) throw new Error('A contract has no union in a list or map');
  switch (type.type) {
    case 'record':
      return type.name;
    case 'array':
      return `readonly ${typeOf(type.items)}[]`;
    case 'map':
      return `Readonly<Record<string, ${typeOf(type.values)}>>`;
    default: {
      const scalar = scalarNames[type.logicalType];
      if (scalar === undefined) throw new Error(`No type in memory for ${type.logicalType}`);
      return scalar;
    }
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const folder = process.argv[2] ?? 'schemas';
  for (const [name, text] of generatedFiles(folder)) writeFileSync(join(folder, name), text);
}
