import type { Item } from '../../../schemas/booking-event.js';
import { alpha2Country } from '../countries.js';
import type { TransactionFacts } from './facts.js';
import type { FeeWorld } from './world.js';

export type Reach = 'domestic' | 'regional' | 'international';

export interface Geography {
  /** Countries (two letters) and stations by the name of the zone. */
  readonly zones: ReadonlyMap<string, readonly string[]>;
  /** The most specific first. */
  readonly pairs: readonly { readonly between: readonly [string, string]; readonly as: Reach }[];
}

interface Leg {
  readonly from: string;
  readonly to: string;
}

/** Whether a place of the booking is the place that a rule names: a zone, else two letters = country, else a station. null is unknown. */
export function isAt(fact: string, wanted: string, world: FeeWorld, { zones }: Geography): boolean | null {
  const zone = zones.get(wanted);
  if (zone === undefined) return isOneOf(fact, [wanted], world);
  return isOneOf(fact, zone, world);
}

function isOneOf(fact: string, members: readonly string[], world: FeeWorld): boolean | null {
  if (members.includes(fact)) return true;
  const countries = members.filter((member) => member.length === 2);
  if (countries.length === 0) return false;
  const country = world.countryOf(fact);
  return country === null ? null : countries.includes(country);
}

/** How far an item reaches: of several legs the farthest counts; hotels and cars: their country. null is unknown. */
export function geographyOf(item: Item, facts: TransactionFacts, geography: Geography): Reach | null {
  let known = facts.memo.geographies.get(geography);
  if (known === undefined) facts.memo.geographies.set(geography, (known = new Map()));
  let reach = known.get(item);
  if (reach === undefined) known.set(item, (reach = computeReach(item, facts.world, geography)));
  return reach;
}

function computeReach(item: Item, world: FeeWorld, geography: Geography): Reach | null {
  const legs = legsOf(item);
  if (legs === null) {
    const country = item.country == null ? countryOfPlaces(item, world) : alpha2Country(item.country);
    return country === null ? null : reachBetween({ from: country, to: country }, world, geography);
  }
  const reaches = legs.map((leg) => (leg === null ? null : reachBetween(leg, world, geography)));
  if (reaches.includes('international')) return 'international';
  if (reaches.includes(null)) return null;
  return reaches.includes('regional') ? 'regional' : 'domestic';
}

const stays = new Set(['hotel', 'car']);

/** null: the item stays in one country. A leg whose end is missing is null. */
function legsOf(item: Item): readonly (Leg | null)[] | null {
  if (stays.has(item.product)) return null;
  if (item.segments != null && item.segments.length > 0) return item.segments.map(({ origin, destination }) => legBetween(origin, destination));
  if (item.origin == null && item.destination == null && item.country != null) return null;
  return [legBetween(item.origin, item.destination)];
}

const legBetween = (from: string | null | undefined, to: string | null | undefined): Leg | null => (from == null || to == null ? null : { from, to });

function countryOfPlaces({ destination, origin }: Item, world: FeeWorld): string | null {
  const place = destination ?? origin ?? null;
  return place === null ? null : world.countryOf(place);
}

function reachBetween({ from, to }: Leg, world: FeeWorld, geography: Geography): Reach | null {
  const pair = geography.pairs.find(({ between: [one, other] }) => joins(from, to, one, other, world) || joins(to, from, one, other, world));
  if (pair !== undefined) return pair.as;
  const home = geography.zones.get('home') ?? [];
  const near = [...home, ...(geography.zones.get('near') ?? [])];
  const inHome = both(isOneOf(from, home, world), isOneOf(to, home, world));
  if (inHome === true) return 'domestic';
  const inNear = both(isOneOf(from, near, world), isOneOf(to, near, world));
  if (inNear === false) return 'international';
  return inHome === null || inNear === null ? null : 'regional';
}

const joins = (from: string, to: string, one: string, other: string, world: FeeWorld): boolean => isOneOf(from, [one], world) === true && isOneOf(to, [other], world) === true;

const both = (left: boolean | null, right: boolean | null): boolean | null => (left === false || right === false ? false : left === null || right === null ? null : true);
