import { readFile } from 'node:fs/promises';
import { parse as parseYaml } from 'yaml';
import type { z } from 'zod';

/** A file that people write: YAML, of which JSON is a part. */
export async function readAs<Schema extends z.ZodType>(file: string, schema: Schema): Promise<z.output<Schema>> {
  const parsed = schema.safeParse(parseYaml(await readFile(file, 'utf8')));
  if (parsed.success) return parsed.data;
  throw new Error(`${file} cannot be used:\n${parsed.error.issues.map((issue) => `  ${issue.path.join('.')} ${issue.code === 'unrecognized_keys' ? `has unknown fields: ${issue.keys.join(', ')}` : issue.message}`).join('\n')}`);
}

