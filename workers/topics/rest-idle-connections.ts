import RequestQueue from 'kafkajs/src/network/requestQueue/index.js';

const { scheduleCheckPendingRequests } = RequestQueue.prototype;

/**
 * Lets connections of kafkajs 2.2.4 rest. It looks for waiting requests once a millisecond on every connection that was ever used, also
 * when none waits, and on closed ones too: an idle worker was never idle, and some processes never ended (tulios/kafkajs issue 1704).
 * With this it looks only while a request waits; each new one that has to wait makes it look again. Doing it again does no harm.
 */
export function restIdleConnections(): void {
  RequestQueue.prototype.scheduleCheckPendingRequests = function restIfNothingWaits(this: RequestQueue) {
    if (this.pending.length > 0) scheduleCheckPendingRequests.call(this);
  };
}
