import { type FeeTable, feeTableSchema } from '../../schemas/fee-table.js';
import { createRandom, type Random } from '../../workers/domain/generate/random.js';

/** What a rule asks for: a text, one of several texts, or a number within limits. */
export type Wish = string | readonly string[] | { readonly from?: number; readonly to?: number };
export type Wishes = Readonly<Partial<Record<FactName, Wish>>>;

/** The facts that rules ask for. */
export type FactName = 'product' | 'supplier' | 'carrier' | 'bookingClass' | 'fareType' | 'origin' | 'destination' | 'source' | 'office' | 'channel' | 'price' | 'travellers';

export interface BenchRule {
  readonly id: string;
  readonly priority: number;
  readonly when: Wishes;
}

export const charge = 'service-fee';

/**
 * Rules as a large agency has them: most for flights, by carrier, route, class and price, some for everything else, and one for each product that
 * holds where no other does. The same seed gives the same rules.
 */
export function benchRules(count: number, seed: number): readonly BenchRule[] {
  const random = createRandom(seed, 'fee rules');
  const usual = products.map(([product]) => ({ id: `usual-${product}`, priority: -1, when: { product } }));
  return [...usual, ...Array.from({ length: count - usual.length }, (_, index) => ({ id: `r${String(index + 1).padStart(4, '0')}`, priority: random.chance(0.05) ? random.whole(1, 3) : 0, when: wishes(random) }))];
}

const products = [
  ['flight', ['carrier', 'origin', 'destination', 'bookingClass', 'fareType']], ['hotel', ['supplier']], ['package', ['supplier', 'origin', 'destination']],
  ['rail', ['origin', 'destination', 'bookingClass']], ['insurance', ['supplier']],
] as const satisfies readonly (readonly [string, readonly FactName[]])[];

type Texts = readonly [string, ...string[]];
const stations: Texts = ['BERLIN HBF', 'HAMBURG HBF', 'KOELN HBF', 'MUENCHEN HBF', 'WIEN HBF', 'ZUERICH HB'];

/** The texts that generated bookings hold, and some that they do not. */
function textsOf(product: string, fact: FactName): Texts {
  switch (fact) {
    case 'carrier': return ['LH', 'OS', 'LX', 'AF', 'BA', 'U2', 'KL', 'IB', 'AZ', 'SK'];
    case 'supplier': return product === 'hotel' ? ['Harbour Hotel', 'City Rooms', 'Grand Lodge', 'Casa Azul', 'Villa Sole', 'The Mill'] : product === 'package' ? ['Sunbird', 'Northern Trails', 'Blue Lagoon', 'Alpine Weeks'] : ['Shelter Mutual', 'Other Mutual'];
    case 'bookingClass': return product === 'rail' ? ['1', '2'] : ['Y', 'M', 'K', 'C', 'J', 'F', 'B', 'Q'];
    case 'fareType': return ['published', 'negotiated', 'group'];
    case 'origin': return product === 'rail' ? stations : ['BER', 'HAM', 'MUC', 'FRA', 'VIE', 'ZRH', 'STR', 'DUS'];
    case 'destination': return product === 'rail' ? stations : ['LHR', 'CDG', 'MAD', 'FCO', 'ATH', 'PMI', 'JFK', 'BKK', 'NRT', 'DXB', 'MUC', 'TXL', 'HER', 'LPA', 'AYT', 'HRG', 'PUJ'];
    case 'source': return ['gds', 'hotels', 'tours', 'rail'];
    case 'channel': return ['phone', 'branch', 'gds', 'online'];
    default: return ['berlin', 'hamburg', 'vienna', 'online', 'business-berlin', 'business-munich'];
  }
}

function wishes(random: Random): Wishes {
  const [product, own] = random.chance(0.7) ? products[0] : random.pick(products);
  const asked = [...own, 'source', 'office', 'channel'] as const;
  const chosen = asked.filter(() => random.chance(2.2 / asked.length));
  const texts = chosen.map((fact): readonly [FactName, Wish] => [fact, random.chance(0.7) ? random.pick(textsOf(product, fact)) : someOf(random, textsOf(product, fact))]);
  const from = random.whole(0, 20) * 100;
  return {
    product, ...Object.fromEntries(texts),
    ...(random.chance(0.25) ? { price: random.chance(0.5) ? { from, to: from + random.whole(1, 10) * 100 } : { from } } : {}),
    ...(random.chance(0.15) ? { travellers: { from: random.whole(1, 3) } } : {}),
  };
}

const someOf = (random: Random, texts: Texts): readonly string[] => {
  const [first, second] = [random.pick(texts), random.pick(texts)];
  return first === second ? [first] : [first, second];
};

/** The rules as a fee table of one charge an item. */
export function tableOf(rules: readonly BenchRule[]): FeeTable {
  return feeTableSchema.parse({
    feeTable: 'bench', currency: 'EUR', validFrom: '2020-01-01', charges: { [charge]: { scope: 'item', vat: 'standard' } },
    rules: rules.map(({ id, priority, when }, index) => ({ id, charge, on: 'booked', priority, when, amount: { fixed: 5 + (index % 90) } })),
  });
}
