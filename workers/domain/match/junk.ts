/**
 * What people and systems write where they know nothing. It is no evidence.
 * To teach midline another one, add it to its list here.
 */

const fillers = new Set([
  'test', 'tester', 'testing', 'none', 'no', 'null', 'nil', 'n/a', 'na', 'nn', 'n.n.', 'tba', 'tbd', 'tbc', 'unknown', 'unbekannt', 'undefined',
  'anonymous', 'anonym', 'dummy', 'keine', 'kein', 'k.a.', 'guest', 'gast', 'default', 'xxx', '-', '.', '?',
]);

/** True for fillers (test, none, n/a), zeros, one letter over and over (xxx) and text without a letter or digit (---). 11 and 222 are good ids. */
export function isFiller(text: string): boolean {
  return fillers.has(text.toLowerCase()) || /^(?:0+|(\p{L})\1{2,}|[^\p{L}\p{N}]+)$/iu.test(text);
}

/** People are called so: a bare filler all the same where it is an id. */
const namesOfPeople = new Set(['no', 'na', 'guest', 'gast']);

/** As `isFiller`, for a part of a name. */
export const isFillerName = (text: string): boolean => isFiller(text) && !namesOfPeople.has(text.toLowerCase());

/** Birth dates that stand for "not known" in some system: the zero days of Excel, SQL Server, Unix and COBOL programs. */
export const fillerBirthDates: ReadonlySet<string> = new Set([
  '0001-01-01', '1111-11-11', '1753-01-01', '1800-01-01', '1899-12-30', '1899-12-31', '1900-01-01', '1901-01-01', '1970-01-01', '9999-12-31',
]);

/** Domains under which booking portals give every booking an address of its own; below them everything is an alias. */
export const portalDomains: readonly string[] = [
  'guest.booking.com', 'property.booking.com', 'm.expediapartnercentral.com', 'expediapartnercentral.com', 'guest.airbnb.com', 'reply.airbnb.com',
  'host.airbnb.com', 'agoda-messaging.com', 'messages.homeaway.com', 'messages.vrbo.com', 'guest.trip.com', 'guest.hotels.com', 'guest.hrs.com',
  'guest.hotelbeds.com', 'guest.lastminute.com', 'guest.opodo.com', 'chat.despegar.com',
];

/** Mailboxes that stand for a desk, not for a person. */
export const roleAccounts: ReadonlySet<string> = new Set([
  'reservations', 'reservation', 'reservierung', 'reservierungen', 'booking', 'bookings', 'buchung', 'buchungen', 'info', 'kontakt', 'contact', 'office',
  'mail', 'email', 'post', 'hello', 'hallo', 'noreply', 'no-reply', 'no_reply', 'donotreply', 'do-not-reply', 'nicht-antworten', 'postmaster', 'webmaster',
  'mailer-daemon', 'admin', 'administrator', 'sales', 'service', 'support', 'help', 'travel', 'reisen', 'reise', 'reisestelle', 'sekretariat', 'empfang',
  'reception', 'frontdesk', 'rezeption', 'hotel', 'accounting', 'buchhaltung', 'invoice', 'invoices', 'rechnung', 'rechnungen', 'billing', 'team', 'groups',
]);

/** Local parts that are typed to get past a mandatory field. */
export const fillerMailboxes: ReadonlySet<string> = new Set([
  'test', 'tester', 'none', 'no', 'null', 'na', 'nomail', 'no-mail', 'noemail', 'no-email', 'noemailaddress', 'keine', 'keinemail', 'keine-email', 'unknown',
  'unbekannt', 'anonymous', 'dummy', 'fake', 'asdf', 'abc', 'xyz', 'example', 'sample',
]);

/** Where anybody may have a mailbox: the domain says nothing of whom somebody works for. */
export const freeMailDomains: ReadonlySet<string> = new Set([
  'gmail.com', 'googlemail.com', 'gmx.de', 'gmx.net', 'gmx.at', 'gmx.ch', 'web.de', 't-online.de', 'freenet.de', 'mail.de', 'posteo.de', 'outlook.com', 'outlook.de', 'hotmail.com',
  'hotmail.de', 'live.com', 'msn.com', 'yahoo.com', 'yahoo.de', 'yahoo.co.uk', 'icloud.com', 'me.com', 'aol.com', 'proton.me', 'protonmail.com', 'orange.fr', 'free.fr', 'laposte.net',
  'libero.it', 'bluewin.ch', 'chello.at', 'aon.at', 'mail.ru', 'yandex.ru', 'qq.com', '163.com',
]);
