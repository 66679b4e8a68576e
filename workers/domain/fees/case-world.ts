import type { FeeCaseAssignment, FeeCaseWorld } from '../../../schemas/fee-case.js';
import { dateOf, daysOf } from '../../../schemas/dates.js';
import type { AssignmentRow, CustomerRow, Dated, FeeWorldRows } from './types.js';

type Customer = NonNullable<FeeCaseWorld['customers']>[string];
type CustomerVersion = Exclude<Customer, readonly unknown[]>;

/** The rows of a case's world; tables and assignments come from elsewhere. */
export function rowsOfCase(world: FeeCaseWorld): FeeWorldRows {
  return {
    ownerZone: world.ownerZone ?? null,
    orgUnits: Object.entries(world.orgUnits ?? {}).flatMap(([id, unit]) => closed([unit].flat()).map((version) => ({ id, ...version }))),
    companies: Object.entries(world.companies ?? {}).flatMap(([id, company]) => closed([company].flat()).map((version) => ({ id, ...version }))),
    customers: Object.entries(world.customers ?? {}).map(([id, customer]) => customerRow(id, closed([customer].flat()))),
    taxCodes: Object.entries(world.taxCodes ?? {}).map(([code, { country, rates }]) => ({ code, country: country ?? null, rates: rates.map(({ from, percent }) => ({ from: from ?? null, percent })) })),
    sources: Object.entries(world.sources ?? {}).map(([id, { agencyFees, kinds, orgUnit, timeZone }]) => ({ id, feePolicy: agencyFees ?? null, kinds: kinds ?? null, orgUnit: orgUnit ?? null, timeZone: timeZone ?? null })),
    places: world.places ?? {},
    holidays: world.holidays ?? {},
  };
}

/** A version without an end ends the day before the next begins. */
function closed<Version extends Dated>(versions: readonly Version[]): readonly (Version & Dated)[] {
  const sorted = versions.toSorted((left, right) => ((left.from ?? '') < (right.from ?? '') ? -1 : 1));
  return sorted.map((version, index) => {
    const next = sorted[index + 1]?.from;
    return version.until != null || next == null ? version : { ...version, until: dayBefore(next) };
  });
}

const dayBefore = (day: string): string => dateOf((daysOf(day) ?? 0) - 1);

function customerRow(id: string, versions: readonly CustomerVersion[]): CustomerRow {
  return {
    id,
    companies: versions.flatMap(({ from, until, company }) => {
      if (company == null) return [];
      const own = typeof company === 'string' ? [{ from, until, company }] : closed(company);
      return own.flatMap((each) => (each.company == null ? [] : [{ ...period(each), company: each.company }]));
    }),
    attributes: versions.flatMap((version) => attributeRows(version)),
  };
}

const period = ({ from, until }: { readonly from?: string | null | undefined; readonly until?: string | null | undefined }): Dated => ({ from: from ?? null, until: until ?? null });

function attributeRows({ from, until, attributes }: CustomerVersion): NonNullable<CustomerRow['attributes']> {
  if (attributes == null) return [];
  if (Array.isArray(attributes)) {
    return closed(attributes).flatMap(({ from: begin, until: end, ...values }) =>
      Object.entries(values).flatMap(([name, value]) => (typeof value === 'string' ? [{ ...period({ from: begin, until: end }), name, value }] : [])));
  }
  return Object.entries(attributes).flatMap(([name, value]) =>
    typeof value === 'string' ? [{ ...period({ from, until }), name, value }] : closed(value).flatMap((each) => (each.value == null ? [] : [{ ...period(each), name, value: each.value }])));
}

export function assignmentRow({ from, until, customer, company, orgUnit, table }: FeeCaseAssignment): AssignmentRow {
  const subject = customer != null ? { kind: 'customer', id: customer } as const : company != null ? { kind: 'company', id: company } as const : orgUnit != null ? { kind: 'orgUnit', id: orgUnit } as const : { kind: 'default' } as const;
  return { subject, table, ...period({ from, until }) };
}
