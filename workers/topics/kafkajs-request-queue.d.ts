declare module 'kafkajs/src/network/requestQueue/index.js' {
  /** The requests of one connection; of its members those that midline mends. */
  export default class RequestQueue {
    readonly pending: readonly unknown[];
    checkPendingRequests(): void;
    scheduleCheckPendingRequests(): void;
  }
}
