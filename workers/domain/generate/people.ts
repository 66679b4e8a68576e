import anyAscii from 'any-ascii';
import { createRandom, type Random } from './random.js';

/** How many the customer master knows. People with a higher index travel too, but nobody has met them yet. */
export interface Population {
  readonly seed: number;
  readonly customers: number;
  readonly companies: number;
}

export interface GeneratedPerson {
  readonly externalId: string;
  /** Whose id that is: the customer master's or a tour operator's. */
  readonly source: string;
  readonly gender: 'female' | 'male';
  readonly title: string | null;
  readonly givenName: string;
  readonly familyName: string;
  readonly birthDate: string;
  readonly language: string;
  readonly emails: readonly string[];
  readonly phones: readonly string[];
  readonly street: string;
  readonly houseNumber: string;
  readonly postalCode: string;
  readonly city: string;
  readonly country: string;
  /** Index of the company that the person travels for. */
  readonly company: number | null;
  readonly status: string;
}

export interface GeneratedCompany {
  readonly externalId: string;
  readonly companyName: string;
  readonly vatId: string;
  /** Index of the company above. */
  readonly parent: number | null;
  readonly city: string;
  readonly postalCode: string;
  readonly country: string;
}

type Names = readonly [string, ...string[]];

const femaleNames: Names = ['Anna', 'Maria', 'Clara', 'Lena', 'Sophie', 'Jana', 'Ines', 'Eva', 'Ruth', 'Nora', 'Käthe', 'Zoë', 'Marie-Luise', 'Jasmin', 'Olga', 'Chloé', 'Ana', 'Emma', 'Grace', 'Åsa'];
const maleNames: Names = ['Paul', 'Max', 'Jonas', 'Felix', 'Karl', 'Jörg', 'Tim', 'Lukas', 'Emil', 'Otto', 'Jürgen', 'Hans-Peter', 'Noël', 'Ivan', 'José', 'Luca', 'George', 'Oliver', 'Søren', 'Tomáš'];
const familyNames: Names = [
  'Müller', 'Schmidt', 'Schneider', 'Fischer', 'Weber', 'Becker', 'Schäfer', 'Koch', 'Richter', 'Klein', 'Schröder', 'Neumann', 'Zimmermann', 'Krüger', 'Hofmann', 'Lange',
  'Köhler', 'Maier', 'Huber', 'Gruber', 'Steiner', 'Pichler', 'Weiß', 'Groß', 'von Brandt', 'Meyer-Lindt', 'Wiedenhöfer', 'Jones', 'Taylor', 'Wilson', 'Walker', 'O’Neill',
  'Rossi', 'Bianchi', 'Novák', 'Kowalski', 'García', 'Martínez', 'Dubois', 'Lefèvre', 'Andersson', 'Østergaard', 'Yılmaz', 'Horváth', 'Peeters', 'de Vries', 'Silva', 'Popescu',
];
const streets: Names = ['Hauptstraße', 'Bahnhofstraße', 'Gartenweg', 'Lindenallee', 'Schulstraße', 'Am Markt', 'Bergstraße', 'Mühlenweg', 'Kirchgasse', 'Rosenweg'];
const cities: readonly [City, ...City[]] = [
  { city: 'Berlin', postal: '10', country: 'DE' }, { city: 'Hamburg', postal: '20', country: 'DE' }, { city: 'München', postal: '80', country: 'DE' },
  { city: 'Köln', postal: '50', country: 'DE' }, { city: 'Leipzig', postal: '04', country: 'DE' }, { city: 'Wien', postal: '1', country: 'AT' },
  { city: 'Graz', postal: '8', country: 'AT' }, { city: 'Zürich', postal: '8', country: 'CH' }, { city: 'Dresden', postal: '01', country: 'DE' },
];
const companyWords: Names = ['Nordlicht', 'Rheintal', 'Alpen', 'Hanse', 'Donau', 'Elbe', 'Spree', 'Adler', 'Falken', 'Linden', 'Berg', 'See'];
const companyTrades: Names = ['Maschinenbau', 'Logistik', 'Software', 'Pharma', 'Energie', 'Medien', 'Bau', 'Handel', 'Optik', 'Papier'];
const legalForms: Names = ['GmbH', 'AG', 'GmbH & Co. KG', 'SE'];

interface City {
  readonly city: string;
  readonly postal: string;
  readonly country: string;
}

/** Share of neighbours (2k, 2k + 1) that live together: one family name, one address, one mailbox. */
const households = 0.2;

/** Who person `index` is. */
export function personOf(population: Population, index: number): GeneratedPerson {
  const first = ownSelf(population, index - (index % 2));
  if (index % 2 === 0) return first;
  const second = ownSelf(population, index);
  if (!createRandom(population.seed, 'household', index).chance(households)) return second;
  const { familyName, emails, street, houseNumber, postalCode, city, country, language } = first;
  return { ...second, familyName, emails, street, houseNumber, postalCode, city, country, language };
}

function ownSelf({ seed, companies }: Population, index: number): GeneratedPerson {
  const random = createRandom(seed, 'person', index);
  const gender = random.pick(['female', 'male']);
  const givenName = random.pick(gender === 'female' ? femaleNames : maleNames);
  const familyName = random.pick(familyNames);
  const place = random.pick(cities);
  const isToursCustomer = index % 5 === 4;
  return {
    externalId: `${isToursCustomer ? 'T' : 'C'}${String(index).padStart(7, '0')}`,
    source: isToursCustomer ? 'tours' : 'crm',
    gender,
    title: random.chance(0.06) ? random.pick(['Dr.', 'Prof. Dr.', 'Dr.']) : null,
    givenName,
    familyName,
    birthDate: dayText(random, 1940, 2004),
    language: place.country !== 'DE' || random.chance(0.9) ? 'de' : 'en',
    emails: [`${mailName(givenName)}.${mailName(familyName)}${index}@example.${random.pick(['com', 'org'])}`],
    phones: [phoneOf(random, place.country, index)],
    street: random.pick(streets),
    houseNumber: `${random.whole(1, 140)}${random.chance(0.1) ? 'a' : ''}`,
    postalCode: postalCodeOf(random, place),
    city: place.city,
    country: place.country,
    company: companies > 0 && random.chance(0.25) ? random.whole(0, companies - 1) : null,
    status: random.pick(['standard', 'standard', 'standard', 'silver', 'gold', 'vip']),
  };
}

/** Who company `index` is. A third of them belong to an earlier one. */
export function companyOf({ seed }: Pick<Population, 'seed'>, index: number): GeneratedCompany {
  const random = createRandom(seed, 'company', index);
  const place = random.pick(cities);
  return {
    externalId: `K${String(index).padStart(5, '0')}`,
    companyName: `${random.pick(companyWords)} ${random.pick(companyTrades)} ${index} ${random.pick(legalForms)}`,
    vatId: `DE${String(136_250_000 + index * 7 + random.whole(0, 6))}`,
    parent: index > 0 && random.chance(0.33) ? random.whole(0, index - 1) : null,
    city: place.city,
    postalCode: postalCodeOf(random, place),
    country: place.country,
  };
}

const postalCodeOf = (random: Random, { postal, country }: City): string => postal + String(random.whole(0, 999)).padStart(3, '0').slice(country === 'DE' ? 0 : 3 - (4 - postal.length));

function dayText(random: Random, fromYear: number, toYear: number): string {
  return `${random.whole(fromYear, toYear)}-${String(random.whole(1, 12)).padStart(2, '0')}-${String(random.whole(1, 28)).padStart(2, '0')}`;
}

/** Mobile numbers, valid and each person's own; drawn from whole ranges, they may belong to somebody: nothing here ever calls them. */
function phoneOf(random: Random, country: string, index: number): string {
  const own = String(1_000_000 + index).slice(-7);
  switch (country) {
    case 'AT': return `+43 664 ${own}`;
    case 'CH': return `+41 79 ${own.slice(0, 3)} ${own.slice(3, 5)} ${own.slice(5)}`;
    default: return random.chance(0.5) ? `+49 151 1${own}` : `0151 1${own}`;
  }
}

const mailName = (name: string): string => spelledOut(name).toLowerCase().replaceAll(/[^a-z]+/g, '');

/** As reservation systems write names: ä as ae, then whatever ASCII is nearest. */
export const spelledOut = (name: string): string => anyAscii(name.replaceAll(/[äÄ]/g, 'ae').replaceAll(/[öÖ]/g, 'oe').replaceAll(/[üÜ]/g, 'ue').replaceAll('ß', 'ss'));
