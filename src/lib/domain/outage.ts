/** Milliseconds. The API server may be replaced or fail over in this time; an operation that gets no news for longer gives up. */
export const OUTAGE_MS = 120_000

/** Milliseconds without an answer from the API server after which what it said before is old: no verdict rests on it. */
export const SILENT_MS = 5_000
