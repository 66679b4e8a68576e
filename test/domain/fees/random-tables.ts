import fc from 'fast-check';
import { type FeeTable, feeTableSchema } from '../../../schemas/fee-table.js';

/** Few values of each attribute. */
const wishes: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  product: fc.constantFrom<unknown>('flight', 'hotel', 'rail', ['flight', 'hotel'], 'absent'),
  bookingClass: fc.constantFrom<unknown>('Y', ['Y', 'C'], 'C', 'absent'),
  itemStatus: fc.constantFrom<unknown>('open', 'absent'),
  channel: fc.constantFrom<unknown>('web', ['web', 'desk'], 'absent'),
  orgUnit: fc.constantFrom<unknown>('berlin', 'group'),
  price: fc.constantFrom<unknown>({ from: 83 }, { to: 90 }, { from: 50, to: 150 }),
  leadDays: fc.constantFrom<unknown>({ to: 97 }, { from: 98 }),
  nth: fc.constantFrom<unknown>(1, { from: 2 }),
  sameDay: fc.constantFrom<unknown>(true, false),
  changed: fc.constantFrom<unknown>('price', ['dates', 'other']),
  customer: fc.constantFrom<unknown>({ status: 'vip' }, { status: 'absent' }),
  order: fc.constantFrom<unknown>({ meal: 'HB' }, { market: 'absent' }),
  orderHas: fc.constantFrom<unknown>({ product: 'hotel' }, { not: { product: 'flight' } }),
  not: fc.constantFrom<unknown>({ bookingClass: 'Y' }, { product: 'hotel', channel: 'web' }),
};

/** Few conditions a rule, so that rules meet bookings often, and each other too. */
const conditions = fc.subarray(Object.keys(wishes), { maxLength: 3 }).chain((names) => fc.record(Object.fromEntries(names.map((name) => [name, wishes[name] ?? fc.constant(null)]))));

const amount = fc.constantFrom<unknown>(
  'none', { fixed: 10 }, { fixed: 12.34 }, { fixed: { EUR: 10, CHF: 9.5 } }, { percent: 3, of: 'unit-total', min: 1, max: 8 }, { percent: 1.5, of: 'order-total' },
  { fixed: 5, times: 'travellers' }, { bands: [{ upTo: 100, fixed: 3 }, { percent: 2, of: 'unit-total' }] }, { percent: -50, of: { charge: 'SELF' } }, { fixed: 7.77, rounding: { to: 0.5 } },
);

const charges: Readonly<Record<string, unknown>> = {
  order: { scope: 'order', vat: 'DE-standard' },
  transaction: { scope: 'transaction', vat: 'DE-standard', vatIncluded: false, once: 'day' },
  item: { scope: 'item', vat: 'DE-standard', capPerOrder: 40 },
  traveller: { scope: 'traveller', once: { within: '1h' } },
  document: { scope: 'document', inherit: 'when-unmatched' },
};

const types = ['booked', 'confirmed', 'changed', 'ticketed', 'reissued', 'refunded', 'voided', 'cancelled', 'no-show', 'travelled'];

const rule = fc.record({
  charge: fc.constantFrom(...Object.keys(charges)),
  on: fc.subarray(types, { minLength: 1 }),
  priority: fc.constantFrom(0, 0, 0, 1),
  when: conditions,
  amount,
});

/** Amounts that use every digit of the currency. */
const written: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  EUR: {},
  JPY: { EUR: 'JPY', '12.34': '1234', '9.5': '950', '7.77': '777', '0.5': '50' },
  KWD: { EUR: 'KWD', '12.34': '12.345', '9.5': '9.505', '7.77': '7.777', '0.5': '0.005' },
};

/** Currencies of 2, 0 and 3 decimals. */
export const currency = fc.constantFrom('EUR', 'JPY', 'KWD');

/** The same in another currency than EUR, with as many digits as that has. */
export function inCurrency<Value>(value: Value, other: string): Value {
  const words = written[other] ?? {};
  return JSON.parse(JSON.stringify(value, (_, part: unknown) => (typeof part === 'number' && words[part] !== undefined ? Number(words[part]) : part)).replaceAll('"EUR"', `"${words.EUR ?? 'EUR'}"`)) as Value;
}

/** A table of up to `most` rules of every scope, in any of the currencies. */
export const feeTable = (name: string, most = 12): fc.Arbitrary<FeeTable> =>
  fc.tuple(fc.array(rule, { minLength: 1, maxLength: most }), currency)
    .map(([rules, other]) => tableOf(name, inCurrency(rules.map((each, index) => ({ id: `r${index}`, ...each, amount: ofOwnCharge(each.amount, each.charge) })), other), other));

/** A table of many rules of one charge for every type: so many that they are indexed. */
export const indexedTable = (name: string): fc.Arbitrary<FeeTable> =>
  fc.tuple(fc.constantFrom('item', 'transaction'), fc.array(fc.record({ when: conditions, amount }), { minLength: 60, maxLength: 60 }))
    .map(([charge, rules]) => tableOf(name, rules.map(({ when, amount: own }, index) => ({ id: `r${index}`, charge, on: types, when, amount: ofOwnCharge(own, charge) }))));

const ofOwnCharge = (amountOf: unknown, charge: string): unknown => JSON.parse(JSON.stringify(amountOf).replace('SELF', charge));

export const tableOf = (name: string, rules: readonly unknown[], tableCurrency = 'EUR'): FeeTable => feeTableSchema.parse({ feeTable: name, currency: tableCurrency, validFrom: '2000-01-01', charges, rules });
