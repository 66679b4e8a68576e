// Ends (or freezes) a process at one step of its work: `node --import step-hook.mjs …` with the step in CHAOS_STEP (step.ts says what it holds).
// The module of the step is loaded as it is, behind a facade of the same address that wraps one export. The product knows nothing of it.
import { register } from 'node:module';
import { isMainThread } from 'node:worker_threads';

const step = JSON.parse(process.env.CHAOS_STEP ?? 'null');
if (step !== null && isMainThread) {
  globalThis.chaosStep = createStep(step);
  register(import.meta.url, { data: step });
}

let target;
const original = '?as-it-is';

/** Called in the thread of the loader. */
export function initialize(data) {
  target = data;
}

export async function load(url, context, nextLoad) {
  if (url !== target?.module) return nextLoad(url, context);
  const inner = JSON.stringify(`${url}${original}`);
  return {
    format: 'module', shortCircuit: true,
    source: `export * from ${inner}; import { ${target.export} as inner } from ${inner}; export const ${target.export} = globalThis.chaosStep(inner);`,
  };
}

/** What wraps the export: the function itself, or one method of what the function makes. */
function createStep({ method, at, passage, signal }) {
  let passages = 0;
  const pass = () => {
    passages += 1;
    if (passages === passage) process.kill(process.pid, signal);
  };
  const wrap = (work) => function (...args) {
    if (at === 'before') {
      pass();
      return work.apply(this, args);
    }
    const done = work.apply(this, args);
    if (!(done instanceof Promise)) {
      pass();
      return done;
    }
    return done.then((result) => {
      pass();
      return result;
    });
  };
  if (method === undefined) return wrap;
  return (make) => (...args) => {
    const made = make(...args);
    return { ...made, [method]: wrap(made[method]) };
  };
}
