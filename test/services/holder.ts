// A process that starts two servers, tells of them in one line, and then waits to be ended: by kill -9, in the tests.
import { startServices } from '../../services/start.js';

const { servers } = await startServices({ only: ['postgres', 'redis'], environment: {} });
console.log(JSON.stringify(servers));
setInterval(() => undefined, 60_000);
