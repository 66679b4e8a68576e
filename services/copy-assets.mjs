// Copies what tsc leaves behind (.sql, .avsc, .yaml, .mjml, .liquid, pom.xml, …) into dist,
// so that `new URL('./x', import.meta.url)` finds it beside the compiled file.
import { cpSync, existsSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const rooms = ['schemas', 'migrations', 'workers', 'services', 'bench', 'test/proof'].filter((room) => existsSync(join(root, room)));

const results = join(root, 'bench', 'results');
for (const room of rooms) {
  cpSync(join(root, room), join(root, 'dist', room), { recursive: true, filter: (source) => source !== results && (statSync(source).isDirectory() || extname(source) !== '.ts') });
}
