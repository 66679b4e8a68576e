import { readFile, readdir } from 'node:fs/promises';
import { parseDocument, LineCounter } from 'yaml';
import type { z } from 'zod';
import { sourceMapSchema, type SourceMapFile } from '../../schemas/source-map.js';
import { aliasProblem } from '../domain/yaml-aliases.js';
import { expressionProblem } from './mapping.js';

/** Something that is wrong in a map: the field, in words what, and the line where it is known. */
interface MapProblem {
  readonly field: string;
  readonly problem: string;
  readonly line: number | null;
}

/** A map that was read: what its file says, where it was found (`hotel-pms` for a shipped one, else the path of its file), and the text of the file. */
export type SourceMap = Readonly<SourceMapFile> & { readonly origin: string; readonly text: string };

export type ParsedSourceMap = { readonly map: SourceMap } | { readonly problems: readonly MapProblem[] };

/** A map cannot be had or is wrong; the message has a line for each problem. */
class SourceMapError extends Error {
  override readonly name = 'SourceMapError';
}

const shippedFolder = new URL('./maps/', import.meta.url);

/** The names of the maps that come with midline. */
export async function shippedMaps(): Promise<readonly string[]> {
  const files = await readdir(shippedFolder);
  return files.filter((file) => file.endsWith('.yaml')).map((file) => file.slice(0, -'.yaml'.length)).sort();
}

/**
 * Finds a map by the name of a shipped one (`hotel-pms`) or the path of a file (anything with a slash or an extension) and reads it.
 * @throws SourceMapError if there is none or it is wrong
 */
export async function loadSourceMap(nameOrPath: string): Promise<SourceMap> {
  const parsed = parseSourceMap(await readSourceMap(nameOrPath), nameOrPath);
  if ('map' in parsed) return parsed.map;
  throw new SourceMapError(parsed.problems.map(({ field, problem, line }) => `${nameOrPath}${line === null ? '' : `:${line}`}: ${field} ${problem}`).join('\n'));
}

/** The text of a map, found as `loadSourceMap` finds it. @throws SourceMapError if there is none */
export async function readSourceMap(nameOrPath: string): Promise<string> {
  const isName = /^[\w-]+$/.test(nameOrPath);
  return readFile(isName ? new URL(`${nameOrPath}.yaml`, shippedFolder) : nameOrPath, 'utf8').catch(async (error: unknown) => {
    const shipped = (await shippedMaps()).join(', ');
    throw new SourceMapError(isName ? `No map is called ${nameOrPath}. Shipped are: ${shipped}. A file is named by its path: ./${nameOrPath}.yaml` : `The map ${nameOrPath} cannot be read (${reasonOf(error)}). Shipped maps are named by name: ${shipped}`);
  });
}

/** Reads the text of a map (YAML); all problems of the head at once, and that of the expression. Pure. */
export function parseSourceMap(text: string, origin: string): ParsedSourceMap {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  if (document.errors.length > 0) {
    return { problems: document.errors.map((error) => ({ field: 'the file', problem: `is no YAML: ${error.message.split('\n')[0] ?? ''}`, line: error.linePos?.[0].line ?? null })) };
  }
  const wrongAlias = aliasProblem(document);
  if (wrongAlias !== undefined) return { problems: [{ field: 'the file', problem: `is no YAML: ${wrongAlias.problem}`, line: lines.linePos(rangeOf(wrongAlias.alias) ?? 0).line }] };
  const lineOf = (path: readonly PropertyKey[]): number | null => {
    for (let depth = path.length; depth > 0; depth--) {
      const range = rangeOf(document.getIn(path.slice(0, depth), true));
      if (range !== undefined) return lines.linePos(range).line;
    }
    return null;
  };
  const parsed = sourceMapSchema.safeParse(document.toJS({ maxAliasCount: -1 }));
  if (!parsed.success) {
    return { problems: parsed.error.issues.map((issue) => ({ field: issue.path.join('.') || 'the file', problem: wordsOf(issue), line: lineOf(issue.path) })) };
  }
  const problem = expressionProblem(parsed.data);
  if (problem !== undefined) {
    const line = lineOf(['events']);
    return { problems: [{ field: 'events', problem: problem.problem, line: line === null ? null : line + problem.line }] };
  }
  return { map: { ...parsed.data, origin, text } };
}

function rangeOf(node: unknown): number | undefined {
  return typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range) && typeof node.range[0] === 'number' ? node.range[0] : undefined;
}

/** What to write into a field that must be there. */
const remedies: Readonly<Record<string, string>> = {
  source: 'write the id of the system, such as our-crs',
  name: 'write what people call the system, such as Our central reservation system',
  events: 'write the expression that makes the events',
  xml: 'write { record: the element that is one record }',
};

/** zod's own sentences stand alone and speak of types; ours follow the field's name. */
function wordsOf(issue: z.core.$ZodIssue): string {
  const field = issue.path.at(-1);
  if (issue.code === 'invalid_type' && issue.message.endsWith('received undefined')) return `is missing: ${remedies[String(field)] ?? `write ${article(issue.expected)}`}`;
  if (issue.code === 'invalid_type' && /^[A-Z]/.test(issue.message)) return `must be ${article(issue.expected)}`;
  if (issue.code === 'unrecognized_keys') return `has the unknown field ${issue.keys.join(', ')}; docs/sources.md lists them`;
  if (issue.code === 'too_small') return `is empty${field !== undefined && String(field) in remedies ? `: ${remedies[String(field)]}` : ''}`;
  return /^[A-Z]/.test(issue.message) ? `is wrong: ${issue.message}` : issue.message;
}

const article = (expected: string): string => ({ string: 'a text', array: 'a list', object: 'fields', record: 'fields', boolean: 'true or false' })[expected] ?? `a ${expected}`;

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
