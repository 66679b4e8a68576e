// Lets Node run the TypeScript sources as they are, without a build: `node --import ./test/typescript.mjs FILE.ts`.
import { register } from 'node:module';

register('./typescript-hooks.mjs', import.meta.url);
