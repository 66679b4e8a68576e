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

const femaleNames: Names = [
  'Anna', 'Maria', 'Clara', 'Lena', 'Sophie', 'Jana', 'Ines', 'Eva', 'Ruth', 'Nora', 'Käthe', 'Zoë', 'Marie-Luise', 'Jasmin', 'Olga', 'Chloé', 'Ana', 'Emma', 'Grace', 'Åsa',
  'Ursula', 'Monika', 'Petra', 'Sabine', 'Renate', 'Helga', 'Karin', 'Brigitte', 'Ingrid', 'Gisela', 'Andrea', 'Claudia', 'Susanne', 'Christa', 'Birgit', 'Heike', 'Martina', 'Gabriele',
  'Stefanie', 'Nicole', 'Julia', 'Katharina', 'Melanie', 'Sandra', 'Anja', 'Silke', 'Tanja', 'Laura', 'Lisa', 'Sarah', 'Hannah', 'Leonie', 'Johanna', 'Frieda', 'Elif', 'Zeynep', 'Agnieszka', 'Giulia', 'Carmen', 'Margit',
];
const maleNames: Names = [
  'Paul', 'Max', 'Jonas', 'Felix', 'Karl', 'Jörg', 'Tim', 'Lukas', 'Emil', 'Otto', 'Jürgen', 'Hans-Peter', 'Noël', 'Ivan', 'José', 'Luca', 'George', 'Oliver', 'Søren', 'Tomáš',
  'Peter', 'Michael', 'Thomas', 'Andreas', 'Wolfgang', 'Klaus', 'Manfred', 'Helmut', 'Gerhard', 'Dieter', 'Bernd', 'Uwe', 'Frank', 'Stefan', 'Christian', 'Martin', 'Markus', 'Matthias',
  'Daniel', 'Alexander', 'Sebastian', 'Tobias', 'Jan', 'Florian', 'Philipp', 'Dominik', 'Leon', 'Finn', 'Moritz', 'Anton', 'Rainer', 'Volker', 'Holger', 'Sven', 'Mehmet', 'Piotr', 'Giovanni', 'Pablo', 'Alois', 'Reto',
];
const familyNames: Names = [
  'Müller', 'Schmidt', 'Schneider', 'Fischer', 'Weber', 'Becker', 'Schäfer', 'Koch', 'Richter', 'Klein', 'Schröder', 'Neumann', 'Zimmermann', 'Krüger', 'Hofmann', 'Lange',
  'Köhler', 'Maier', 'Huber', 'Gruber', 'Steiner', 'Pichler', 'Weiß', 'Groß', 'von Brandt', 'Meyer-Lindt', 'Wiedenhöfer', 'Jones', 'Taylor', 'Wilson', 'Walker', 'O’Neill',
  'Rossi', 'Bianchi', 'Novák', 'Kowalski', 'García', 'Martínez', 'Dubois', 'Lefèvre', 'Andersson', 'Østergaard', 'Yılmaz', 'Horváth', 'Peeters', 'de Vries', 'Silva', 'Popescu',
  'Wagner', 'Schulz', 'Bauer', 'Wolf', 'Braun', 'Krause', 'Lehmann', 'Werner', 'Walter', 'Peters', 'Lang', 'Scholz', 'Möller', 'Jung', 'Hahn', 'Keller', 'Vogel', 'Schubert', 'Roth', 'Frank',
  'Friedrich', 'Beck', 'Günther', 'Berger', 'Winkler', 'Lorenz', 'Baumann', 'Franke', 'Albrecht', 'Schuster', 'Simon', 'Ludwig', 'Böhm', 'Winter', 'Kraus', 'Schumacher', 'Vogt', 'Stein', 'Jäger',
  'Otto', 'Sommer', 'Seidel', 'Heinrich', 'Brandt', 'Haas', 'Schreiber', 'Graf', 'Dietrich', 'Ziegler', 'Kuhn', 'Kühn', 'Pohl', 'Engel', 'Horn', 'Busch', 'Bergmann', 'Thomas', 'Voigt', 'Sauer',
  'Arnold', 'Pfeiffer', 'Ernst', 'Lindner', 'Hübner', 'Kramer', 'Hansen', 'Nowak', 'Seifert', 'Ritter', 'Kaiser', 'Barth', 'Fuchs', 'Moser', 'Eder', 'Leitner', 'Bachmann', 'Gerber', 'Zürcher', 'Lüthi',
];
const streetNames: Names = [
  'Haupt', 'Bahnhof', 'Garten', 'Linden', 'Schul', 'Markt', 'Berg', 'Mühlen', 'Kirch', 'Rosen', 'Dorf', 'Wald', 'Ring', 'Wiesen', 'Birken', 'Eichen', 'Buchen', 'Ahorn', 'Tannen', 'Brunnen',
  'Feld', 'Schiller', 'Goethe', 'Mozart', 'Beethoven', 'Bismarck', 'Kloster', 'Schloss', 'Burg', 'Mittel', 'Ost', 'West', 'Park', 'Ufer', 'Weinberg', 'Amsel', 'Drossel', 'Flieder', 'Nelken', 'Sonnen',
];
const streetKinds: Names = ['straße', 'weg', 'allee', 'gasse', 'platz'];
const cities: readonly [City, ...City[]] = [
  { city: 'Berlin', postal: '10', country: 'DE' }, { city: 'Hamburg', postal: '20', country: 'DE' }, { city: 'München', postal: '80', country: 'DE' },
  { city: 'Köln', postal: '50', country: 'DE' }, { city: 'Leipzig', postal: '04', country: 'DE' }, { city: 'Wien', postal: '1', country: 'AT' },
  { city: 'Graz', postal: '8', country: 'AT' }, { city: 'Zürich', postal: '8', country: 'CH' }, { city: 'Dresden', postal: '01', country: 'DE' },
  { city: 'Berlin', postal: '12', country: 'DE' }, { city: 'Berlin', postal: '13', country: 'DE' }, { city: 'Hamburg', postal: '22', country: 'DE' }, { city: 'München', postal: '81', country: 'DE' },
  { city: 'Rostock', postal: '18', country: 'DE' }, { city: 'Kiel', postal: '24', country: 'DE' }, { city: 'Oldenburg', postal: '26', country: 'DE' }, { city: 'Bremen', postal: '28', country: 'DE' },
  { city: 'Hannover', postal: '30', country: 'DE' }, { city: 'Bielefeld', postal: '33', country: 'DE' }, { city: 'Kassel', postal: '34', country: 'DE' }, { city: 'Göttingen', postal: '37', country: 'DE' },
  { city: 'Magdeburg', postal: '39', country: 'DE' }, { city: 'Düsseldorf', postal: '40', country: 'DE' }, { city: 'Dortmund', postal: '44', country: 'DE' }, { city: 'Essen', postal: '45', country: 'DE' },
  { city: 'Münster', postal: '48', country: 'DE' }, { city: 'Aachen', postal: '52', country: 'DE' }, { city: 'Bonn', postal: '53', country: 'DE' }, { city: 'Mainz', postal: '55', country: 'DE' },
  { city: 'Frankfurt am Main', postal: '60', country: 'DE' }, { city: 'Mannheim', postal: '68', country: 'DE' }, { city: 'Stuttgart', postal: '70', country: 'DE' }, { city: 'Karlsruhe', postal: '76', country: 'DE' },
  { city: 'Freiburg', postal: '79', country: 'DE' }, { city: 'Augsburg', postal: '86', country: 'DE' }, { city: 'Nürnberg', postal: '90', country: 'DE' }, { city: 'Regensburg', postal: '93', country: 'DE' },
  { city: 'Würzburg', postal: '97', country: 'DE' }, { city: 'Erfurt', postal: '99', country: 'DE' }, { city: 'Linz', postal: '4', country: 'AT' }, { city: 'Salzburg', postal: '5', country: 'AT' },
  { city: 'Innsbruck', postal: '6', country: 'AT' }, { city: 'Bern', postal: '3', country: 'CH' }, { city: 'Basel', postal: '4', country: 'CH' }, { city: 'Luzern', postal: '6', country: 'CH' },
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
    street: `${random.pick(streetNames)}${random.pick(streetKinds)}`,
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
