import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { ceilings } from '../../bench/matching/ceiling.js';
import { evaluate, readDecisions, readTruth, type Evaluation } from '../../bench/matching/evaluate.js';
import { noise, numberOf, numberTraps, trapColumns, trapContacts, traps, umlautNames, varied, withContacts, type People, type TrapRecord } from '../../bench/matching/traps.js';
import type { Party } from '../../schemas/booking-event.js';
import { projectRoot } from '../../services/places.js';
import { createRandom } from '../../workers/domain/generate/random.js';
import { midline, type Claim, type Proof } from './proof.js';

const data = join(projectRoot(), '..', 'shared', 'data', 'matching');
const maps = join(projectRoot(), 'bench', 'matching', 'maps');
const seed = 7;
const trapped = 1000;

/** Persons with a truth: as they lie in the files, only the maps of columns differ. */
const sets = [
  { name: 'febrl3', map: 'febrl', id: 'rec_id', cluster: null, f1: 0.998, precision: 0.999, recall: 0 },
  { name: 'febrl1', map: 'febrl', id: 'rec_id', cluster: null, f1: 0.998, precision: 0.999, recall: 0 },
  { name: 'fake_1000', map: 'fake-1000', id: 'unique_id', cluster: 'cluster', f1: 0, precision: 0.999, recall: 0.7 },
] as const;

/** Matching by the command, judged by a program that knows only its output; one model, one pair of thresholds. */
export const matching: Proof = {
  name: 'matching',
  meaning: 'persons of three public sets are matched with each other, and traps made of them are not fallen into, whatever the model was trained on',
  async run(_environment, say) {
    const folder = await mkdtemp(join(tmpdir(), 'midline-matching-'));
    try {
      const people = await trapPeople();
      const models = new Map<string, string | null>([['shipped', null]]);
      for (const [name, [file, map]] of Object.entries(await trainingFiles(folder, people))) {
        const model = join(folder, `${name}.json`);
        await midline({}, 'match', 'train', '--in', file, '--map', join(maps, `${map}.yaml`), '--out', model, '--seed', String(seed));
        models.set(name, model);
      }
      const claims: Claim[] = [];
      const results: Record<string, object> = {};
      const most = { febrl3: ceilings(await febrlPersons('febrl3')), febrl1: ceilings(await febrlPersons('febrl1')) };
      for (const [name, kinds] of Object.entries(most)) {
        for (const [kind, { lost, f1 }] of Object.entries(kinds)) say(`  ${name}, without linking ${kind}: F1 at most ${f1.toFixed(4)}, ${lost} pairs are lost`);
      }
      for (const [name, model] of models) {
        say(`  model ${name}`);
        const { found, details } = await tryModel(matcher(folder, model), folder, people, say);
        claims.push(...(name === 'shipped' ? found : found.filter(({ claim }) => isOfTraining(claim))).map((claim) => ({ ...claim, claim: `${name}: ${claim.claim}` })));
        results[name] = details;
      }
      return { claims, details: { seed, ceilings: most, models: results } };
    } finally {
      await rm(folder, { recursive: true });
    }
  },
};

const duplicateNoise = ['none', 'swapped names', 'two-digit years', 'phone formats', 'names as reservation systems write them'] as const;

/** What must hold whatever a model was trained on. */
const isOfTraining = (claim: string): boolean => /^trap|^noise|precision/.test(claim);

/** What models are trained on: the sets, and persons with duplicates, with and without their families. */
async function trainingFiles(folder: string, people: People): Promise<Readonly<Record<string, readonly [file: string, map: string]>>> {
  const duplicates = varied(people, (person, random, others) => noise[random.pick(duplicateNoise)]?.(person, random, others) ?? person, seed, 'training');
  const family = (name: string): readonly TrapRecord[] => (traps[name] === undefined ? [] : varied(people, traps[name], seed, `training ${name}`).map((person) => ({ ...person, id: `${person.id}-${name}` })));
  const [without, withFamilies] = [join(folder, 'without-families.csv'), join(folder, 'with-families.csv')];
  await writeTraps(without, [...people, ...duplicates]);
  await writeTraps(withFamilies, [...people, ...duplicates, ...family('household'), ...family('twins'), ...family('father and son of one name')]);
  return {
    'trained on febrl3': [join(data, 'febrl3.csv'), 'febrl'], 'trained on fake_1000': [join(data, 'fake_1000.csv'), 'fake-1000'],
    'trained without families': [without, 'traps'], 'trained with families': [withFamilies, 'traps'],
  };
}

async function tryModel(match: Match, folder: string, people: People, say: (text: string) => void) {
  const claims: Claim[] = [];
  const results: Record<string, Evaluation> = {};
  for (const { name, map, id, cluster, f1, precision, recall } of sets) {
    const file = join(data, `${name}.csv`);
    const [first, second] = [await match(file, join(maps, `${map}.yaml`)), await match(file, join(maps, `${map}.yaml`))];
    claims.push({ claim: `${name}: two runs give the same bytes`, ok: (await readFile(first)).equals(await readFile(second)), found: 'compared' });
    const result = evaluate(await readDecisions(first), await readTruth(file, id, cluster, /^rec-(\d+)-/));
    results[name] = result;
    say(`    ${name}: ${evaluationText(result)}`);
    claims.push({ claim: `precision of ${name} at least ${precision}`, ok: result.precision.share >= precision, found: shareText(result.precision) });
    if (f1 > 0) claims.push({ claim: `${name}: F1 at least ${f1}`, ok: result.f1 >= f1, found: result.f1.toFixed(4) });
    if (recall > 0) claims.push({ claim: `${name}: recall at least ${recall}`, ok: result.recall.share >= recall, found: shareText(result.recall) });
  }
  const fallen: Record<string, number> = {};
  for (const [name, trap] of Object.entries(traps)) {
    const list = numberTraps.has(name) ? each(people, (person, n) => ({ ...person, loyalty: numberOf(n) })) : each(people, (person) => ({ ...person, ...trapContacts[name] }));
    const wrong = await countLinked(match, folder, [...list, ...varied(list, trap, seed, name)]);
    fallen[name] = wrong;
    claims.push({ claim: `trap ${name}: at most 5 of 1,000 are linked to another person`, ok: wrong <= (5 * people.length) / 1000, found: `${wrong} of ${people.length}` });
  }
  say(`    wrongly linked of ${people.length}: ${Object.entries(fallen).map(([name, wrong]) => `${name} ${wrong}`).join(', ')}`);
  const found: Record<string, number> = {};
  for (const [name, variation] of Object.entries(noise)) {
    const list = name.startsWith('umlauts') ? withUmlauts(people) : people;
    found[name] = await countLinked(match, folder, [...list, ...varied(list, (person, random, others) => ({ ...variation(person, random, others), email: '' }), seed, name)]);
    const lost = ((found['none'] ?? 0) - found[name]) / people.length;
    if (name !== 'none') claims.push({ claim: `noise ${name}: costs at most 2 points of recall`, ok: lost <= 0.02, found: `${(lost * 100).toFixed(1)} points` });
  }
  say(`    found of ${people.length}: ${Object.entries(found).map(([name, count]) => `${name} ${count}`).join(', ')}`);
  return { found: claims, details: { sets: results, traps: fallen, noise: found } };
}

type Match = (file: string, map: string) => Promise<string>;

function matcher(folder: string, model: string | null): Match {
  let runs = 0;
  return async (file, map) => {
    const out = join(folder, `decisions-${++runs}.ndjson`);
    await midline({}, 'match', '--alone', '--map', map, '--in', file, '--out', out, ...(model === null ? [] : ['--model', model]));
    return out;
  };
}

/** How many of the variations were linked to somebody. */
async function countLinked(match: Match, folder: string, records: readonly TrapRecord[]): Promise<number> {
  const file = join(folder, 'traps.csv');
  await writeTraps(file, records);
  const decisions = await readDecisions(await match(file, join(maps, 'traps.yaml')));
  return decisions.filter(({ record, decision }) => record.endsWith('-x') && decision === 'link').length;
}

async function writeTraps(file: string, records: readonly TrapRecord[]): Promise<void> {
  await writeFile(file, [trapColumns.join(','), ...records.map((record) => trapColumns.map((column) => record[column]).join(','))].join('\n'));
}

/** The records of a set of FEBRL as they lie there. */
async function febrlRecords(name: string): Promise<readonly (TrapRecord & { readonly person: string })[]> {
  const rows = parse(await readFile(join(data, `${name}.csv`), 'utf8'), { columns: (names: readonly string[]) => names.map((column) => column.trim()), trim: true }) as readonly Readonly<Record<string, string>>[];
  return rows.map((row) => {
    const { rec_id: id = '', given_name: given = '', surname: family = '', date_of_birth: birth = '', address_1: street = '', street_number: number = '', postcode: postal = '', suburb: city = '', soc_sec_id: loyalty = '' } = row;
    return { id, person: /^rec-(\d+)-/.exec(id)?.[1] ?? id, given, family, full: '', birth: birth.replace(/^(\d{4})(\d\d)(\d\d)$/, '$1-$2-$3'), street, number, postal, city, email: '', phone: '', loyalty };
  });
}

/** The records of each true person. */
async function febrlPersons(name: string): Promise<readonly (readonly Party[])[]> {
  const persons = new Map<string, Party[]>();
  for (const { person, given, family, birth, street, number, postal, city, loyalty } of await febrlRecords(name)) {
    const party: Party = { givenName: given, familyName: family, birthDate: birth, addresses: [{ street, houseNumber: number, postalCode: postal, city }], loyalty: [{ program: 'SSN', number: loyalty }] };
    persons.set(person, [...(persons.get(person) ?? []), party]);
  }
  return [...persons.values()];
}

/** Persons of whom everything is known, each once. */
async function trapPeople(): Promise<People> {
  const persons = (await febrlRecords('febrl3')).filter(({ id }) => id.endsWith('-org')).map((record): TrapRecord => ({ ...record, loyalty: '' }))
    .filter(({ given, family, birth, street, number }) => given.length > 1 && family.length > 1 && /^\d{4}-\d\d-\d\d$/.test(birth) && !Number.isNaN(Date.parse(birth)) && street !== '' && number !== '');
  const [first, ...others] = withContacts(persons.slice(0, trapped));
  if (first === undefined || others.length + 1 < trapped) throw new Error(`only ${others.length + 1} persons are known in full`);
  return [first, ...others];
}

function each([first, ...others]: People, change: (person: TrapRecord, n: number) => TrapRecord): People {
  return [change(first, 0), ...others.map((person, n) => change(person, n + 1))];
}

const withUmlauts = (people: People): People => each(people, (person, n) => ({ ...person, family: createRandom(seed, 'umlaut', n).pick(umlautNames) }));

const shareText = ({ share, low, high }: Evaluation['recall']): string => `${share.toFixed(4)} (${low.toFixed(4)}–${high.toFixed(4)})`;
const evaluationText = ({ precision, recall, f1, wrong, missed, truePairs }: Evaluation): string => `precision ${shareText(precision)}, recall ${shareText(recall)}, F1 ${f1.toFixed(4)}; ${wrong} wrong, ${missed} of ${truePairs} missed`;
