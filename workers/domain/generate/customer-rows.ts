import { companyOf, personOf, type GeneratedCompany, type GeneratedPerson, type Population } from './people.js';

type Row = Readonly<Record<string, string | null>>;

const columns = [
  'externalId', 'source', 'kind', 'salutation', 'title', 'givenName', 'familyName', 'companyName', 'birthDate', 'gender', 'language', 'emails', 'phones',
  'street', 'houseNumber', 'postalCode', 'city', 'country', 'vatId', 'company', 'parent', 'attribute.status',
] as const;

/** The customer master as CSV for `customers import`, line by line: companies first, since people refer to them. */
export function* customerLines(population: Population): Generator<string> {
  yield line(columns);
  for (let index = 0; index < population.companies; index++) yield lineOf(companyRow(population, companyOf(population, index)));
  for (let index = 0; index < population.customers; index++) yield lineOf(personRow(population, personOf(population, index)));
}

/** Every third company has the corporate fee table, everybody else the standard one: CSV for `fees assign --file`. */
export function* assignmentLines({ seed, companies }: Population): Generator<string> {
  yield line(['kind', 'id', 'table', 'from', 'until']);
  yield line(['default', '', 'standard', '2020-01-01', '']);
  for (let index = 0; index < companies; index += 3) yield line(['company', `crm:${companyOf({ seed }, index).externalId}`, 'corporate', '2020-01-01', '']);
}

function companyRow({ seed }: Population, { externalId, companyName, vatId, parent, postalCode, city, country }: GeneratedCompany): Row {
  return { externalId, source: 'crm', kind: 'company', companyName, postalCode, city, country, vatId, parent: parent === null ? null : companyOf({ seed }, parent).externalId };
}

function personRow({ seed }: Population, person: GeneratedPerson): Row {
  const { emails, phones, company, gender, status, ...plain } = person;
  return {
    ...plain, kind: 'person', salutation: gender === 'female' ? 'Mrs' : 'Mr', gender, emails: emails.join('|'), phones: phones.join('|'),
    company: company === null || person.source !== 'crm' ? null : companyOf({ seed }, company).externalId, 'attribute.status': status,
  };
}

const lineOf = (row: Row): string => line(columns.map((column) => row[column] ?? ''));

const line = (cells: readonly string[]): string => `${cells.map((cell) => (/[",\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(',')}\n`;
