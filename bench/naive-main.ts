import { startNaive } from './naive.js';

/** The naive consumer as a process of its own: settings come as one JSON argument, how far it is goes to its parent. */
const settings = process.argv[2];
if (settings === undefined) throw new Error('naive-main is started by the benchmark');

let handled = 0;
const consumer = await startNaive({ ...JSON.parse(settings), onHandled: (events: number) => { handled = events; } });
const telling = setInterval(() => process.send?.(handled), 20);
process.once('SIGTERM', () => {
  clearInterval(telling);
  void consumer.stop().then(() => process.exit(0));
});
