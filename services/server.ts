import type { Binaries } from './binaries.js';
import type { ServerUser } from './places.js';

export type ServiceName = 'kafka' | 'registry' | 'postgres' | 'redis';

/** The connection variables, as midline's processes read them. */
export interface ServiceEnvironment {
  readonly KAFKA_BROKERS: string;
  readonly SCHEMA_REGISTRY_URL: string;
  readonly DATABASE_URL: string;
  readonly REDIS_URL: string;
}

/** What a server gets to run in. */
export interface Place {
  readonly binaries: Binaries;
  /** Its own folder for data; exists, and the server's user may write it. */
  readonly folder: string;
  readonly port: number;
  /** Another free port, for servers that need two. */
  readonly freePort: () => Promise<number>;
}

/** How to start a server; a repetition of it continues with the same data on the same port. */
export interface Command {
  readonly executable: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** What there is to know about a kind of server. */
export interface Server {
  readonly name: ServiceName;
  readonly variable: keyof ServiceEnvironment;
  readonly defaultPort: number;
  readonly user: ServerUser;
  /** Ends it with everything on disk. */
  readonly stopSignal: NodeJS.Signals;
  /** Ends it at once, where its data is thrown away. */
  readonly abortSignal: NodeJS.Signals;
  readonly address: (port: number) => string;
  /** Writes configuration and, the first time, the empty data; answers how to start it. */
  readonly prepare: (place: Place) => Promise<Command>;
  /** One try to use the server at this address; rejects while it is not usable. */
  readonly probe: (address: string) => Promise<void>;
}
