/** A text of the build that is put out of action; it must stand in its module exactly once. */
export interface Patch {
  /** Path of the compiled module in the build's folder. */
  readonly module: string;
  readonly find: string;
  readonly replace: string;
}

/** Something in the workers that keeps a promise, how it is taken out, and how its absence must be noticed. */
export interface Protection {
  readonly name: string;
  readonly meaning: string;
  readonly patches: readonly Patch[];
  /** Scenarios that make it needed, by name; none: the load alone does. */
  readonly scenarios: readonly string[];
  /** What the harness must say when it is missing. */
  readonly caught: RegExp;
}

const [settle, fenced, orders, settlement] = ['workers/actions/settle/settle.js', 'workers/actions/settle/fenced-batch.js', 'workers/store/orders.js', 'workers/store/settlement.js'];
const stuck = /^waited .* in vain/;

/** To add one: an entry here; and where no scenario needs it, a scenario first. */
export const protections: readonly Protection[] = [
  {
    name: 'offset-fence', meaning: 'messages below the fence are dropped',
    patches: [{ module: fenced, find: 'const at = first < 0 ? messages.length : first;', replace: 'const at = 0;' }],
    scenarios: ['ingest-after-commit'], caught: /messages read is/,
  },
  {
    name: 'transaction', meaning: 'a batch is one transaction',
    patches: [{ module: 'workers/store/database.js', find: `await client.query('begin');`, replace: '' }],
    // Each statement alone: what was stored is lost, or it stands in the way of the batch for ever.
    scenarios: ['ingest-before-save'], caught: new RegExp(`is lost$|${stuck.source}`),
  },
  {
    name: 'seek-back', meaning: 'a fetch that begins above the fence goes back to it',
    patches: [{ module: fenced, find: 'if (batch.firstOffset > fence.appliedBelow && !acceptGap)', replace: 'if (false)' }],
    scenarios: ['postgres-restored'], caught: /^event .* is lost$/,
  },
  {
    name: 'facts-lock', meaning: 'nobody changes a fact while a batch holds it',
    patches: [{ module: 'workers/store/facts-lock.js', find: 'select pg_advisory_xact_lock_shared($1)', replace: 'select $1::bigint' }],
    scenarios: ['table-assigned'], caught: /^ledger .* instead of/,
  },
  {
    name: 'order-lock', meaning: 'an order is locked, and written only upon the revision that was read',
    patches: [
      { module: orders, find: 'where o.id = any($1::uuid[]) order by o.id for update', replace: 'where o.id = any($1::uuid[]) order by o.id' },
      { module: settlement, find: 'where o.revision = excluded.revision - 1', replace: '' },
      { module: settlement, find: `throw new SettlementConflict('an event of the batch was stored by another transaction');`, replace: ';' },
      { module: settlement, find: `throw new SettlementConflict('an order of the batch was changed by another transaction');`, replace: ';' },
    ],
    scenarios: ['groups-race'], caught: /it must be applied|it must be late|applied by all groups|says two things/,
  },
  {
    name: 'event-ids', meaning: 'an event id that comes again with other content is refused',
    patches: [{ module: 'workers/actions/settle/sort-messages.js', find: 'else if (earlier.isSaidBy(event, wire)) {', replace: 'else if (true) {' }],
    scenarios: [], caught: /is no dead letter \(EVENT_ID_REUSED\)/,
  },
  {
    name: 'inbox', meaning: 'an event that is stored already is known as a duplicate',
    patches: [{ module: settle, find: `const known = events.length === 0 ? [] :`, replace: 'const known = true ? [] :' }],
    scenarios: ['second-group'], caught: stuck,
  },
  {
    name: 'late-events', meaning: 'a late event makes the whole history be folded anew',
    patches: [{ module: 'workers/actions/settle/fold-orders.js', find: 'if (state !== null && !isInOrder(state, event))', replace: 'if (false)' }],
    scenarios: ['much-load'], caught: /applied late by all groups/,
  },
  {
    name: 'heartbeat', meaning: 'Kafka hears of a worker while its batch waits',
    patches: [{ module: 'workers/ingest/consume.js', find: 'const timer = setInterval(() => {', replace: 'const timer = setTimeout(() => {}, 0); void (() => {' }],
    scenarios: ['facts-held'], caught: /lost its place in the group/,
  },
  {
    name: 'bisecting', meaning: 'of a batch that the database refuses only the one bad message becomes a dead letter',
    patches: [{ module: 'workers/ingest/consume.js', find: 'return settleHalves(batch, refused);', replace: 'return settleChunk(batch, new Map(batch.messages.map((message) => [message.offset, rejectionOf(error)])));' }],
    scenarios: [], caught: /is a dead letter \(AMOUNT\); it must be/,
  },
  {
    name: 'retry', meaning: 'what the world does wrong is tried again, and makes no dead letters',
    patches: [{ module: 'workers/runtime/faults.js', find: `'53': 'world'`, replace: `'53': 'poison'` }],
    scenarios: ['disk-full'], caught: /is a dead letter \(REFUSED_BY_DATABASE\); it must be|ended by itself: exit code 1/,
  },
  {
    name: 'unknown-errors', meaning: 'an error that nobody knows stops the process',
    patches: [{ module: 'workers/runtime/faults.js', find: `sqlStates[code.slice(0, 2)] ?? 'unknown'`, replace: `sqlStates[code.slice(0, 2)] ?? 'world'` }],
    scenarios: ['unknown-error'], caught: /does not know and lives on/,
  },
  {
    name: 'nothing-thrown', meaning: 'no error is thrown into kafkajs, which would keep it',
    patches: [{ module: 'workers/ingest/consume.js', find: `onFault(error);`, replace: 'throw error;' }],
    scenarios: ['unknown-error'], caught: /does not know and lives on/,
  },
  {
    name: 'dead-letter-with-batch', meaning: 'a dead letter is written in the transaction of its batch',
    patches: [{
      module: settle, find: 'await recordDeadLetters(tx, sorted.rejected.map((rejected) => deadLetterOf(batch, fence, rejected)));',
      replace: 'setTimeout(() => { database.transaction((later) => recordDeadLetters(later, sorted.rejected.map((rejected) => deadLetterOf(batch, fence, rejected)))).catch(() => undefined); }, 5_000);',
    }],
    scenarios: ['kill-all-ingest'], caught: /is no dead letter/,
  },
  {
    name: 'encryption', meaning: 'special-category data is stored encrypted',
    patches: [{ module: 'workers/actions/settle/wire.js', find: `return { wire: seal.seal(received), wireForm: 'encrypted' };`, replace: `return { wire: received, wireForm: 'plain' };` }],
    scenarios: [], caught: /form of the bytes is plain instead of encrypted/,
  },
  {
    name: 'message-keys', meaning: 'a message has an id that follows from what it says, and only new transactions make one',
    patches: [
      { module: settle, find: 'messagesDue(order.id, newTransactions(order), facts.triggers, now)', replace: 'messagesDue(order.id, order.transactions, facts.triggers, now)' },
      { module: 'workers/domain/outreach/due.js', find: `id: messageIdOf(orderId, trigger.id, transaction.eventId, 'customer', trigger.channel),`, replace: 'id: crypto.randomUUID(),' },
    ],
    scenarios: ['much-load'], caught: /^message .* stands twice$/,
  },
  {
    name: 'claim', meaning: 'a message is claimed in Postgres before it is sent',
    patches: [{ module: 'workers/store/messages.js', find: `where id = $1 and state = 'queued' returning 1`, replace: 'where id = $1 returning 1' }],
    scenarios: ['jobs-twice'], caught: /was sent \d+ times/,
  },
  {
    name: 'lease', meaning: 'a claim that runs out becomes unknown instead of being sent again',
    patches: [{ module: 'workers/store/messages.js', find: `update message m set state = 'unknown', reason =`, replace: `update message m set state = 'due', reason =` }],
    scenarios: ['outreach-after-mail'], caught: /was sent 2 times/,
  },
  {
    name: 'unknown-ends', meaning: 'a mail that the server may have is not sent again',
    patches: [{ module: 'workers/outreach/mail-transport.js', find: `'temporary' : 'unknown', reason };`, replace: `'temporary' : 'temporary', reason };` }],
    scenarios: ['smtp-vanishes'], caught: /was sent \d+ times/,
  },
  {
    name: 'rebuilt-jobs', meaning: 'jobs that Redis has lost are made again',
    patches: [{ module: 'workers/actions/relay-messages.js', find: 'await putBack(db, lost, now);', replace: ';' }],
    scenarios: ['flush-waiting-jobs'], caught: stuck,
  },
  {
    name: 'lanes', meaning: 'one relay at a time has a lane',
    patches: [{ module: 'workers/store/outbox.js', find: ' and pg_try_advisory_xact_lock(${lockClass}, lane)', replace: '' }],
    scenarios: ['relay-joins'], caught: /revision \d+ stands twice/,
  },
  {
    name: 'acknowledged', meaning: 'an order event is deleted only when Kafka has it',
    patches: [{ module: 'workers/actions/relay-outbox.js', find: 'await sendWhatFits(send, messages);', replace: 'await sendWhatFits(send, messages).catch(() => ({ sent: messages.map(({ id }) => id), tooLarge: [] }));' }],
    scenarios: ['kafka-gone'], caught: /^order events of .*(comes after|is missing)/,
  },
  {
    name: 'registry-timeout', meaning: 'a request to the registry has a time limit',
    patches: [{ module: 'workers/topics/schema-registry.js', find: 'signal: AbortSignal.timeout(timeout),', replace: '' }],
    scenarios: ['registry-never-answers'], caught: stuck,
  },
];
