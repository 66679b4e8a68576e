import type { RecordFacts } from './functions.js';
import type { Mapping } from './mapping.js';

/** A field of the source of which no value reached an event, wherever it stood or where it stood beside certain other fields only. */
export interface UnreadField {
  /** Names joined by dots, without positions in lists. */
  readonly field: string;
  /** null: everywhere. Else the neighbours that it had where its values got lost, while they came through beside others. */
  readonly beside: readonly string[] | null;
  /** How many values were tried. */
  readonly values: number;
  /** The line of one of them. */
  readonly line: number;
  /** The map says that this is known. */
  readonly ignored: boolean;
}

export interface UnreadFields {
  /** Tries the values of one record, as far as their like has not been tried often enough. */
  readonly observe: (record: unknown, line: number, facts: RecordFacts) => Promise<void>;
  readonly report: () => readonly UnreadField[];
}

type Path = readonly (string | number)[];

/** One value of a record. */
interface Leaf {
  readonly path: Path;
  readonly field: string;
  readonly value: unknown;
  /** What it stands in; null: the record itself. */
  readonly owner: object | null;
}

interface Group {
  readonly field: string;
  readonly neighbours: readonly string[];
  readonly line: number;
  values: number;
  reached: number;
}

/** How many values are tried of one field beside the same neighbours, of one field in all, and how many other values each is exchanged for. */
const perGroup = 5;
const perField = 40;
const exchanges = 4;

/**
 * Finds source fields that reach no event by changing values and looking whether any event changes. Looking which fields an expression reads
 * would not tell: a wildcard reads everything, a condition may read and drop, and a field that is read of a wrong context is not the one meant.
 *
 * Values are grouped by field and neighbours, because the losses that careful maps had depend on what is missing beside the value
 * (guests without age, phones without type); a record's own fields, columns for example, have no neighbours in this sense. A group counts as lost if none of the values that were tried came through.
 */
export function createUnreadFields(mapping: Mapping, ignore: readonly string[]): UnreadFields {
  const groups = new Map<string, Group>();
  const tried = new Map<string, number>();
  const seen = new Map<string, Set<unknown>>();

  async function observe(record: unknown, line: number, facts: RecordFacts): Promise<void> {
    const wanted: Leaf[] = [];
    // Nearly all values of a long file have been tried often enough: they must cost next to nothing.
    eachLeaf(record, [], '', null, (leaf) => {
      if (isWanted(leaf)) wanted.push({ ...leaf, path: [...leaf.path] });
    });
    if (wanted.length === 0) return;
    const mapped = await mapping.probe(record, facts);
    // A record that cannot be mapped tells nothing of its fields, and trying them may take as long each time as its expression is allowed to.
    if ('problem' in mapped) return;
    const before = textOf(mapped);
    for (const leaf of wanted) {
      if (!isWanted(leaf)) continue;
      const group = groupOf(leaf, line);
      group.values++;
      tried.set(leaf.field, (tried.get(leaf.field) ?? 0) + 1);
      if (await reaches(record, leaf, facts, before)) group.reached++;
    }
  }

  const isWanted = (leaf: Leaf): boolean => (tried.get(leaf.field) ?? 0) < perField && (groups.get(keyOf(leaf))?.values ?? 0) < perGroup;

  function groupOf(leaf: Leaf, line: number): Group {
    const group = groups.get(keyOf(leaf)) ?? { field: leaf.field, neighbours: neighboursOf(leaf), line, values: 0, reached: 0 };
    groups.set(keyOf(leaf), group);
    return group;
  }

  async function reaches(record: unknown, { path, field, value }: Leaf, facts: RecordFacts, before: string): Promise<boolean> {
    const known = seen.get(field) ?? new Set();
    const others = [...known].filter((other) => other !== value);
    if (known.size <= exchanges) seen.set(field, known.add(value));
    for (const other of [altered(value), ...others, undefined]) {
      if (await eventsOf(changed(record, path, other), facts) !== before) return true;
    }
    return false;
  }

  /** A failure counts as a result: a value that makes the expression fail is used. */
  const eventsOf = async (record: unknown, facts: RecordFacts): Promise<string> => textOf(await mapping.probe(record, facts));

  function report(): readonly UnreadField[] {
    const all = [...groups.values()];
    return [...tried.keys()].flatMap((field): readonly UnreadField[] => {
      const found = all.filter((group) => group.field === field);
      const lost = found.filter(({ reached }) => reached === 0);
      const ignored = ignore.some((known) => field === known || field.startsWith(`${known}.`));
      const line = lost[0]?.line ?? 0;
      if (lost.length > 0 && lost.length === found.length) return [{ field, beside: null, values: sumOf(lost), line, ignored }];
      return lost.map((group) => ({ field, beside: group.neighbours, values: group.values, line: group.line, ignored }));
    });
  }

  return { observe, report };
}

/** What an expression made may be no data: a function of JSONata holds itself, and a text can be longer than any other. */
function textOf(mapped: unknown): string {
  try {
    return JSON.stringify(mapped);
  } catch (error) {
    return String(error);
  }
}

const sumOf = (groups: readonly Group[]): number => groups.reduce((sum, { values }) => sum + values, 0);

/** The fields of a record that hold a value, dots for depth, without positions in lists. */
export function fieldsOf(record: unknown): ReadonlySet<string> {
  const fields = new Set<string>();
  eachLeaf(record, [], '', null, ({ field }) => fields.add(field));
  return fields;
}

/** Visits every value that says something. The path is the walker's own and changes after the visit. */
function eachLeaf(value: unknown, path: (string | number)[], field: string, owner: object | null, visit: (leaf: Leaf) => void): void {
  if (typeof value !== 'object' || value === null) {
    if (value != null && value !== '') visit({ path, field, value, owner });
    return;
  }
  const inside = Array.isArray(value) ? owner : path.length === 0 ? null : value;
  for (const [name, item] of Array.isArray(value) ? value.entries() : Object.entries(value)) {
    path.push(name);
    eachLeaf(item, path, typeof name === 'number' ? field : field === '' ? name : `${field}.${name}`, inside, visit);
    path.pop();
  }
}

const neighboursOf = ({ field, owner }: Leaf): readonly string[] => (owner === null ? [] : Object.keys(owner).filter((name) => !(field === name || field.endsWith(`.${name}`))).sort());

const keyOf = (leaf: Leaf): string => (leaf.owner === null ? leaf.field : JSON.stringify([leaf.field, neighboursOf(leaf)]));

/** Another value of the same kind: a number stays one, a day stays a day (the last digit differs), other text gets longer. */
function altered(value: unknown): unknown {
  if (typeof value === 'number') return value + 1;
  if (typeof value === 'boolean') return !value;
  const text = String(value);
  return /\d$/.test(text) ? `${text.slice(0, -1)}${text.endsWith('1') ? 2 : 1}` : `${text}x`;
}

/** A copy that differs at one place; `undefined` leaves it out. */
function changed(record: unknown, [first, ...rest]: Path, value: unknown): unknown {
  if (first === undefined) return value;
  if (Array.isArray(record)) return record.flatMap((item: unknown, index) => (index !== first ? [item] : rest.length === 0 && value === undefined ? [] : [changed(item, rest, value)]));
  const copy = Object.fromEntries(Object.entries(record ?? {}).map(([name, item]: [string, unknown]) => [name, name === first ? changed(item, rest, value) : item]));
  if (rest.length === 0 && value === undefined) delete copy[first];
  return copy;
}
