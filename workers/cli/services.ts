import { type Command, Option } from 'commander';
import { type LocalServices, type ServerStatus, servicesDown, servicesReset, servicesStatus, servicesUp } from '../../services/local.js';
import { allServers, type ServiceName } from '../../services/start.js';
import { examples, formatTable, printResult } from './output.js';

interface JsonOption {
  readonly json?: boolean;
}

/** `midline services …`: the real servers on this machine, without Docker. */
export function registerServices(program: Command): void {
  const services = program.command('services').description('run Kafka, a schema registry, Postgres and Redis on this machine, without Docker');
  registerUp(services);
  registerDown(services);
  registerStatus(services);
  registerReset(services);
}

function registerUp(services: Command): void {
  services
    .command('up')
    .description('start the servers that are not running; they go on when the command ends')
    .addOption(new Option('--only <names...>', 'start these alone').choices(allServers.map(({ name }) => name)))
    .addOption(jsonOption())
    .addHelpText('after', examples('midline services up', 'midline services up --only postgres redis', 'DATABASE_URL=postgres://me@db.example/midline midline services up   # your own Postgres, the rest from here'))
    .action(async (options: JsonOption & { readonly only?: readonly ServiceName[] }) => {
      printResult(await servicesUp({ ...options, onProgress: (text) => console.error(text) }), options, upText);
    });
}

function registerDown(services: Command): void {
  services
    .command('down')
    .description('stop the servers; their data stays')
    .addOption(jsonOption())
    .addHelpText('after', examples('midline services down'))
    .action(async (options: JsonOption) => printResult({ stopped: await servicesDown() }, options, stoppedText));
}

function registerStatus(services: Command): void {
  services
    .command('status')
    .description('show which servers run, where, and where they write their logs')
    .addOption(jsonOption())
    .addHelpText('after', examples('midline services status', 'midline services status --json'))
    .action(async (options: JsonOption) => printResult({ servers: await servicesStatus() }, options, statusText));
}

function registerReset(services: Command): void {
  services
    .command('reset')
    .description('stop the servers and delete everything they have stored')
    .addOption(jsonOption())
    .addHelpText('after', examples('midline services reset', 'midline services reset && midline services up   # start from nothing'))
    .action(async (options: JsonOption) => printResult({ stopped: await servicesReset() }, options, (result) => `${stoppedText(result)} Their data is deleted.`));
}

function jsonOption(): Option {
  return new Option('--json', 'print one JSON document');
}

function upText({ environment, servers }: LocalServices): string {
  const table = formatTable(['server', 'port', 'log'], servers.map(({ name, port, log }) => [name, port, log]), 'Every server is your own: nothing was started.');
  const exports = Object.entries(environment).map(([variable, value]) => `export ${variable}=${value}`);
  return [table, '', 'midline finds them by itself. For other programs:', '', ...exports].join('\n');
}

function statusText({ servers }: { readonly servers: readonly ServerStatus[] }): string {
  return formatTable(['server', 'state', 'address', 'pid', 'log'], servers.map(({ name, state, address, pid, log }) => [name, state, address, pid, log]));
}

function stoppedText({ stopped }: { readonly stopped: readonly ServiceName[] }): string {
  return stopped.length === 0 ? 'No server was running.' : `Stopped ${stopped.join(', ')}.`;
}
