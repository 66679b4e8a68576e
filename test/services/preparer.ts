// Fills the cache and prints one line: "ready", or what the person is told.
import { prepareBinaries } from '../../services/binaries.js';

await prepareBinaries(() => undefined).then(
  () => console.log('ready'),
  (error: Error) => console.log(error.message),
);
