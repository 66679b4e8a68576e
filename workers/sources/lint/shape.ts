import { type AvroType, nonNull, type RecordSchema, recordsOf } from '../../../schemas/avro.js';
import { bookingEventSchema } from '../../../schemas/booking-event.js';
import { eventTypes } from '../../domain/order.js';
import { nearest } from '../../../schemas/json.js';
import type { SourceMapFile } from '../../../schemas/source-map.js';
import type { Note } from './finding.js';
import type { Definition, Meanings } from './scope.js';
import { calledBy, leftOf, namesOf, pairsOf, startOf, type Node } from './syntax-tree.js';

const records = recordsOf(bookingEventSchema);
const needTouches: ReadonlySet<string> = new Set(['reissued', 'refunded', 'voided']);
/** Lists whose ids name things for ever. */
const lastingIds: ReadonlySet<string> = new Set(['Item', 'Document', 'AgencyFee']);
const floatFunctions: ReadonlySet<string> = new Set(['number', 'max', 'min', 'average', 'abs', 'floor', 'ceil', 'power', 'sqrt']);
const numberFunctions: ReadonlySet<string> = new Set(['number', 'count', 'length', 'toMillis', 'floor', 'ceil', 'parseInteger']);
/** Functions whose result has the shape of their first argument. */
const sameShape: ReadonlySet<string> = new Set(['filter', 'single', 'sort', 'reverse', 'distinct', 'sift']);

type ShapedMap = Pick<SourceMapFile, 'format' | 'kinds' | 'tables'> & { readonly saysTimeZone: boolean };

/** Goes with the contract in hand through what an expression builds, and notes what does not fit it. @param meanings of `resolve` */
export function checkShape(root: Node, map: ShapedMap, meanings: Meanings, note: Note): void {
  const seen = new Map<Node, Set<string>>();
  let needsZone: Node | undefined;
  /** What is being checked is merged with other objects, which may hold what is missing here. */
  let isPart = false;

  /** @param path where the value goes, e.g. `booking.items.price` */
  function check(node: Node, type: AvroType, path: string): void {
    const place = `${path} ${nameOf(type)} ${isPart}`;
    if (seen.get(node)?.has(place) === true) return;
    seen.set(node, (seen.get(node) ?? new Set()).add(place));
    switch (node.type) {
      case 'block': return checkEach([node.expressions?.at(-1)], type, path);
      case 'condition': return checkEach([node.then, node.else], type, path);
      case 'lambda': return node.thunk === true ? checkEach([node.body], type, path) : undefined;
      case 'unary': return node.value === '{' ? checkObject(node, itemOf(type), path) : node.value === '[' ? checkEach(node.expressions ?? [], itemOf(type), path) : checkLeaf(node, type, path);
      case 'path': return checkPath(node, type, path);
      case 'function': return checkCall(node, type, path);
      case 'variable': {
        const definition = meanings.get(node);
        return definition?.node == null ? checkLeaf(node, type, path) : check(definition.node, type, path);
      }
      default: return checkLeaf(node, type, path);
    }
  }

  const checkEach = (nodes: readonly (Node | undefined)[], type: AvroType, path: string): void => { for (const node of nodes) if (node !== undefined) check(node, type, path); };

  function checkPath(node: Node, type: AvroType, path: string): void {
    const last = node.steps?.at(-1);
    if (node.group !== undefined || last === undefined) return;
    if (isList(type) && node.keepArray !== true && node.keepSingletonArray !== true) noteList(node, path);
    if (last.type === 'name' || last.type === 'wildcard' || (last.type === 'variable' && last.value === '')) checkLeaf(node, itemOf(type), path);
    else check(last, itemOf(type), path);
  }

  function noteList(node: Node, path: string): void {
    note('list-without-brackets', startOf(node), `${path} wants a list, and a path that finds one value gives that value alone`, 'write […] around it');
  }

  function checkCall(node: Node, type: AvroType, path: string): void {
    const name = calledBy(node) ?? '';
    const args = node.arguments ?? [];
    const lambda = lambdaOf(node.procedure);
    if (lambda !== undefined) return checkEach([lambda.body], type, path);
    if (name === 'merge') return checkMerge(node, itemOf(type), path);
    if (name === 'append') return checkEach(args, itemOf(type), path);
    if (name === 'map') {
      if (isList(type)) noteList(node, path);
      return checkEach([lambdaOf(args[1])?.body], itemOf(type), path);
    }
    if (sameShape.has(name)) return checkEach(args.slice(0, 1), type, path);
    checkLeaf(node, type, path);
  }

  const lambdaOf = (node: Node | undefined): Node | undefined => {
    const target = node?.type === 'variable' ? meanings.get(node)?.node : node;
    return target?.type === 'lambda' ? target : undefined;
  };

  function checkMerge(node: Node, type: AvroType, path: string): void {
    const before = isPart;
    isPart = true;
    checkEach(node.arguments?.[0]?.expressions ?? [], type, path);
    isPart = before;
  }

  function checkObject(node: Node, type: AvroType, path: string): void {
    const record = recordOf(type);
    if (record === undefined) return;
    const isMerged = isPart;
    isPart = false;
    const pairs = pairsOf(node);
    const keys = pairs.flatMap(([key]) => (key.type === 'string' ? [String(key.value)] : []));
    for (const [key, value] of pairs) {
      if (key.type !== 'string') continue;
      const field = record.fields.find(({ name }) => name === key.value);
      if (field === undefined) noteUnknownField(key, record);
      else checkField(value, nonNull(field.type).type, field.name, record, path === '' ? field.name : `${path}.${field.name}`);
    }
    isPart = isMerged;
    if (keys.length < pairs.length || isMerged) return;
    const missing = record.fields.filter(({ name, type: fieldType }) => !nonNull(fieldType).optional && !keys.includes(name) && !(record.name === 'BookingEvent' && name === 'source'));
    if (missing.length > 0) note('missing-field', startOf(node), `${path === '' ? 'the event' : path} (${record.name}) has no ${missing.map(({ name }) => name).join(', ')}, without which it is refused`, 'write it');
    if (record.name === 'BookingEvent') checkEvent(node, keys);
  }

  function noteUnknownField(key: Node, record: RecordSchema): void {
    const name = String(key.value);
    note('unknown-field', startOf(key), `${record.name} has no field ${name}`, `the nearest is ${nearest(name, record.fields.map((field) => field.name))}; what has no place goes into attributes`);
  }

  function checkField(value: Node, type: AvroType, name: string, record: RecordSchema, path: string): void {
    if (name === 'eventId') checkEventId(value);
    if (name === 'bookingRef') checkBookingRef(value);
    if (name === 'id' && lastingIds.has(record.name)) checkLastingId(value, path);
    check(value, type, path);
  }

  function checkEventId(value: Node): void {
    const leaves = sourcesOf(value);
    const calls = leaves.map(calledBy);
    if (calls.includes('received')) note('unstable-event-id', startOf(value), 'the event id holds $received(): sent again, the same thing would be another event', 'take an id of the source, or the booking reference and $hash()');
    if (leaves.some(isRow)) note('row-in-id', startOf(value), 'the event id holds $row: it changes with the order of the file', 'take an id of the source if there is one');
    if (leaves.every(({ type }) => type === 'string' || type === 'number')) note('constant-event-id', startOf(value), 'the event id is the same for every record', 'take an id of the source, or the booking reference and $hash()');
  }

  const isRow = (leaf: Node): boolean => leaf.type === 'variable' && leaf.value === 'row';

  function checkBookingRef(value: Node): void {
    const names = namesOf(value);
    if (value.type === 'path' && /locator|^pnr$|^record_?ref/i.test(names.at(-1) ?? '')) {
      note('recycled-locator', startOf(value), `${names.join('.')} looks like a record locator; they are given again to other bookings`, 'add the date of creation: locator & "-" & $substring(created, 0, 10)');
    }
  }

  function checkLastingId(value: Node, path: string): void {
    if (!sourcesOf(value).some((leaf) => isRow(leaf) || meanings.get(leaf)?.isPosition === true)) return;
    note('id-from-position', startOf(value), `${path} is a place in a list: where one thing is taken out, the others change their names, and with them their fees`, 'take an id of the source, or something of the thing itself that never changes');
  }

  function checkEvent(node: Node, keys: readonly string[]): void {
    const valueOf = (name: string): Node | undefined => pairsOf(node).find(([key]) => key.value === name)?.[1];
    const [type, eventId, bookingRef] = [valueOf('type'), valueOf('eventId'), valueOf('bookingRef')];
    if (eventId !== undefined && bookingRef !== undefined && bare(eventId) === bare(bookingRef)) {
      note('event-id-is-booking', startOf(eventId), 'event id and booking reference are the same: only one event of a booking would ever count', 'add what tells its events apart, such as a version or $hash()');
    }
    if (type === undefined) return;
    const types = typesOf(type);
    for (const one of types) {
      if (!isKnownType(one)) note('unknown-type', startOf(type), `${one} is neither one of the ten types nor one of the map's kinds`, `write one of ${eventTypes.join(', ')}, or declare it under kinds`);
    }
    const [needing] = types.filter((one) => needTouches.has(one));
    if (needing !== undefined && !keys.includes('touches')) note('missing-touches', startOf(type), `an event of type ${needing} is refused without touches`, 'write touches: { items, documents or travellers }');
    if (types.includes('booked') && !keys.includes('booking')) note('missing-booking', startOf(type), 'an event of type booked is refused without booking', 'write booking');
  }

  const isKnownType = (type: string): boolean => eventTypes.some((known) => known === type) || map.kinds.includes(type);

  /** The types that an event can have, as far as they are written down: texts, and values of tables that are looked up. */
  const typesOf = (node: Node): readonly string[] => [...new Set(sourcesOf(node).flatMap((leaf) => {
    if (leaf.type === 'string') return [String(leaf.value)];
    const table = calledBy(leaf) === 'lookup' ? leaf.arguments?.[0] : undefined;
    return table?.type === 'variable' ? Object.values(map.tables[String(table.value)] ?? {}) : [];
  }))];

  /** What a value is put together from: through variables, blocks, branches, own functions and the joining of texts. */
  function sourcesOf(node: Node, depth = 0): readonly Node[] {
    const inside = (nodes: readonly (Node | undefined)[]): readonly Node[] => nodes.flatMap((each) => (each === undefined ? [] : sourcesOf(each, depth + 1)));
    if (depth > 50) return [node];
    const name = calledBy(node);
    const lambda = node.type === 'function' ? lambdaOf(node.procedure) : undefined;
    if (lambda !== undefined) return inside([lambda.body]);
    if (name !== undefined && /^(string|pad|number|join|lowercase|uppercase|trim|substring|append|formatNumber)$/.test(name)) return inside(node.arguments ?? []);
    switch (node.type) {
      case 'block': return inside([node.expressions?.at(-1)]);
      case 'condition': return inside([node.then, node.else]);
      case 'lambda': return node.thunk === true ? inside([node.body]) : [node];
      case 'binary': return inside([leftOf(node), node.rhs]);
      case 'unary': return node.value === '[' ? inside(node.expressions ?? []) : [node];
      case 'path': return node.steps?.length === 1 ? inside(node.steps) : [node];
      case 'variable': {
        const definition: Definition | undefined = meanings.get(node);
        return definition?.node == null ? [node] : inside([definition.node]);
      }
      default: return [node];
    }
  }

  /** A value that stands as it is. */
  function checkLeaf(node: Node, type: AvroType, path: string): void {
    if (isList(type)) return;
    const isField = node.type === 'path' && namesOf(node).length > 0;
    const name = calledBy(node);
    const words = `${path} ${node.type === 'path' ? `(${namesOf(node).join('.')})` : ''}`.trim();
    noteSensitive(node, path);
    switch (nameOf(type)) {
      case 'decimal':
        if ((node.type === 'binary' && node.value !== '&') || (name !== undefined && floatFunctions.has(name))) note('inexact-amount', startOf(node), `${words} is computed in floating point, which loses cents`, 'compute with $times, $sum and $round');
        else if (isField) note('amount-without-decimal', startOf(node), `${words} is taken as it is: blanks, a plus sign or a comma in it refuse the record`, 'write $decimal(…)');
        return;
      case 'timestamp-millis':
        if (name === 'local' && (node.arguments?.length ?? 0) < 2) needsZone ??= node;
        if (isField || (name === 'fromMillis' && readsTimeBare(node))) note('time-without-local', startOf(node), `${words} is taken as it is: without an offset it is refused, or read as UTC`, 'write $local(…), which knows the zone of the source and keeps an offset where there is one');
        return;
      case 'date':
        if (name === 'local' || name === 'received' || name === 'fromMillis') note('instant-for-day', startOf(node), `${words} is a day and gets an instant`, 'write $substring(…, 0, 10) of the local time');
        return;
      case 'int': case 'long': case 'boolean':
        if (isField && (map.format === 'csv' || map.format === 'xml')) note('text-as-number', startOf(node), `${words} gets a text: every value of ${map.format} is one`, nameOf(type) === 'boolean' ? 'compare it: field = "true"' : 'write $number(…)');
        return;
      case 'string':
        if ((name !== undefined && numberFunctions.has(name)) || (node.type === 'binary' && /^[-+*/%]$/.test(String(node.value))) || node.type === 'number') note('number-as-text', startOf(node), `${words} wants a text and gets a number`, 'write $string(…)');
        return;
      default:
    }
  }

  const readsTimeBare = ({ arguments: args = [] }: Node): boolean => args.some((arg) => calledBy(arg) === 'toMillis' && arg.arguments?.[0]?.type === 'path');

  function noteSensitive(node: Node, path: string): void {
    const name = namesOf(node).at(-1) ?? '';
    if (node.type !== 'path' || path.includes('sensitive') || !/allerg|diet|medical|wheelchair|accessib|disabilit|handicap/i.test(name)) return;
    note('sensitive-in-clear', startOf(node), `${namesOf(node).join('.')} looks like health data and goes to ${path}, which is stored in the clear`, 'write it to booking.sensitive: { kind, traveller, text }');
  }

  check(root, bookingEventSchema, '');
  if (needsZone !== undefined && !map.saysTimeZone) note('zone-by-default', startOf(needsZone), 'times without an offset are read as UTC, since the head names no time zone', 'write timeZone: in the head, UTC if that is meant');
}

const isList = (type: AvroType): boolean => typeof type === 'object' && !Array.isArray(type) && type.type === 'array';

const itemOf = (type: AvroType): AvroType => (typeof type === 'object' && !Array.isArray(type) && type.type === 'array' ? nonNull(type.items).type : type);

function recordOf(type: AvroType): RecordSchema | undefined {
  if (typeof type === 'string') return records.get(type);
  return !Array.isArray(type) && type.type === 'record' ? type : undefined;
}

function nameOf(type: AvroType): string {
  if (typeof type === 'string') return type;
  if (Array.isArray(type)) return nameOf(nonNull(type).type);
  return 'logicalType' in type ? type.logicalType : type.type === 'record' ? type.name : type.type;
}

/** An expression without its places, to see whether two say the same. */
const bare = (node: Node): string => JSON.stringify(node, (key, value: unknown) => (key === 'position' ? undefined : value));
