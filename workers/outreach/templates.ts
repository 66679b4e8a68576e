import { readdir, readFile } from 'node:fs/promises';
import { Liquid, type Template } from 'liquidjs';
import mjml2html from 'mjml';
import type { RenderedMail } from '../actions/send-message.js';
import type { MailView } from '../domain/outreach/mail-view.js';
import type { Language } from '../domain/outreach/recipient.js';

export type Render = (template: string, language: Language, view: MailView) => Promise<RenderedMail>;

interface Compiled {
  readonly subject: readonly Template[];
  readonly html: readonly Template[];
  readonly text: readonly Template[];
}

const folder = new URL('./templates/', import.meta.url);
const read = (name: string): Promise<string> => readFile(new URL(name, folder), 'utf8');

/** In HTML every value is escaped; in subject and text there is nothing to escape. A variable that the view does not have is an error. */
const html = new Liquid({ outputEscape: 'escape', strictVariables: true, strictFilters: true, jsTruthy: true });
const plain = new Liquid({ strictVariables: true, strictFilters: true, jsTruthy: true });

/**
 * Reads and compiles all templates of the folder once. A template is `<name>.<language>.mjml` (what stands inside the layout) and
 * `<name>.<language>.txt.liquid` (first line: the subject; then an empty line and the plain text).
 * @throws Error naming the file whose MJML or Liquid is wrong.
 */
export async function loadTemplates(): Promise<Render> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.mjml') && !file.startsWith('layout.'));
  const layout = await read('layout.mjml');
  const compiled = new Map(await Promise.all(files.map(async (file) => {
    const name = file.slice(0, -'.mjml'.length);
    return [name, compile(name, await toHtml(name, layout.replace('<!-- content -->', await read(file))), await read(`${name}.txt.liquid`))] as const;
  })));
  return async (template, language, view) => {
    const parts = compiled.get(`${template}.${language}`);
    if (parts === undefined) throw new Error(`there is no template ${template} in ${language}`);
    const subject = String(await plain.render([...parts.subject], view)).replace(/\s+/g, ' ').trim();
    return { subject, html: String(await html.render([...parts.html], view)), text: String(await plain.render([...parts.text], view)) };
  };
}

async function toHtml(name: string, mjml: string): Promise<string> {
  const { html: result, errors } = await mjml2html(mjml, { validationLevel: 'soft', keepComments: false });
  if (errors.length > 0) throw new Error(`${name}.mjml: ${errors.map((error) => error.formattedMessage).join('; ')}`);
  return result;
}

function compile(name: string, body: string, text: string): Compiled {
  const end = text.indexOf('\n');
  return {
    subject: plain.parse(text.slice(0, end), `${name}.txt.liquid`),
    html: html.parse(body, `${name}.mjml`),
    text: plain.parse(text.slice(end).trimStart(), `${name}.txt.liquid`),
  };
}
