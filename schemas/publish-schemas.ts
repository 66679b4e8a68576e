import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { feeCaseJsonSchema } from './fee-case.js';
import { feeTableJsonSchema } from './fee-table.js';
import { sourceCasesJsonSchema } from './source-cases.js';

/** The published JSON Schemas of the files that people write, by file name. */
export function publishedSchemas(): ReadonlyMap<string, string> {
  const text = (schema: Readonly<Record<string, unknown>>): string => `${JSON.stringify(schema, null, 2)}\n`;
  return new Map([['fee-table.schema.json', text(feeTableJsonSchema())], ['fee-case.schema.json', text(feeCaseJsonSchema())], ['source-cases.schema.json', text(sourceCasesJsonSchema())]]);
}

/** `node dist/schemas/publish-schemas.js` writes them. */
if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const [name, text] of publishedSchemas()) writeFileSync(join(process.argv[2] ?? 'schemas', name), text);
}
