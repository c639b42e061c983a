/** Milliseconds. The API server may be replaced or fail over in this time; an operation that gets no news for longer gives up. */
export const OUTAGE_MS = 120_000
