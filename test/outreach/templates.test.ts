import { readdir } from 'node:fs/promises';
import { beforeAll, expect, test } from '@jest/globals';
import { mailView } from '../../workers/domain/outreach/mail-view.js';
import { loadTemplates, type Render } from '../../workers/outreach/templates.js';

let render: Render;
beforeAll(async () => { render = await loadTemplates(); });

const hostile = '<img src=x onerror=alert(1)> {{ reference }} {% raw %}';
const full = mailView({
  bookingRef: hostile,
  booking: {
    travelFrom: '2026-05-10', travelUntil: '2026-05-12',
    items: [{ id: '1', product: 'flight', carrier: hostile, origin: 'FRA', destination: 'JFK', start: '2026-05-10' }, { id: '2', product: 'hotel', status: 'cancelled', supplier: 'Seeblick' }],
  },
  price: { currency: 'JPY', total: '123456.5' },
  fees: [{ currency: 'EUR', gross: '25' }, { currency: 'USD', gross: '0.00' }],
}, hostile, 'en');
const bare = mailView({ bookingRef: 'ABC', booking: null, price: null, fees: [] }, null, 'de');

const names = (await readdir(new URL('../../workers/outreach/templates/', import.meta.url))).flatMap((file) => /^(?!layout)(.+)\.(de|en)\.mjml$/.exec(file)?.slice(1, 3) ?? []);
const templates = Array.from({ length: names.length / 2 }, (_, place) => [names[place * 2] ?? '', names[place * 2 + 1] === 'de' ? 'de' : 'en'] as const);

test('there are templates for the three triggers in both languages', () => {
  expect(templates.map((template) => template.join('.')).sort()).toEqual(['order-cancelled.de', 'order-cancelled.en', 'order-changed.de', 'order-changed.en', 'order-confirmed.de', 'order-confirmed.en']);
});

test.each(templates)('%s in %s renders a full order and a bare one, and values stay values', async (name, language) => {
  const mail = await render(name, language, full);
  expect(mail.html).toContain('&lt;img src=x onerror=alert(1)&gt; {{ reference }}');
  expect(mail.html).not.toContain('<img src=x');
  expect(mail.subject).toContain(hostile);
  expect(mail.text).toContain('25.00 EUR');
  expect(mail.text).not.toContain('USD');
  const short = await render(name, language, bare);
  expect(short.subject).toContain('ABC');
  for (const text of [mail.text, short.text]) expect(text).not.toMatch(/\n{3}|[ \t]\n/);
});

test('a full order as plain text', async () => {
  const view = mailView({
    bookingRef: 'ABC', booking: { travelFrom: '2026-05-10', travelUntil: '2026-05-12', items: [{ id: '1', product: 'hotel', supplier: 'Seeblick', start: '2026-05-10', end: '2026-05-12' }] },
    price: { currency: 'EUR', total: '1234.5' }, fees: [{ currency: 'EUR', gross: '15' }],
  }, 'Anna Müller', 'de');
  expect((await render('order-confirmed', 'de', view)).text).toBe(`Guten Tag Anna Müller,

vielen Dank für Ihre Buchung. Sie ist unter der Nummer ABC bestätigt.

Reisezeit: 10.05.2026 – 12.05.2026

- Hotel · Seeblick
  10.05.2026 – 12.05.2026

Gesamtpreis: 1.234,50 EUR

Unsere Serviceentgelte: 15,00 EUR

Diese Nachricht wurde automatisch versandt.
`);
});
