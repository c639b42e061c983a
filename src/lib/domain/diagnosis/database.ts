/** Why a program cannot use its database, as its log tells. */
export interface DatabaseCause {
  code: 'name' | 'refused' | 'timeout' | 'tls' | 'authentication' | 'connections'
  text: string
  advice: string
  line: string
}

/** Troubleshooting's `nc -zv` from inside a pod. */
const TRY = 'from inside a pod: emr smoke-test ENV --tag stores'

/** In the words of PostgreSQL, of Node's net and of the common drivers. Name, time-out and refusal are told apart. */
const CAUSES: [RegExp, Omit<DatabaseCause, 'line'>][] = [
  [
    /ENOTFOUND|EAI_AGAIN|could not translate host name|no such host/,
    {
      code: 'name',
      text: "the database's name does not resolve",
      advice: 'compare the host with `emr outputs ENV`; look at CoreDNS',
    },
  ],
  [
    /remaining connection slots|too many (clients|connections)|53300/,
    {
      code: 'connections',
      text: 'the database has no connection left',
      advice:
        'lower the pools of the services: emr set ENV SERVICE config.database.poolSize=5; or raise max_connections',
    },
  ],
  [
    /password authentication failed|no pg_hba\.conf entry|28P01|28000|authentication failed/,
    {
      code: 'authentication',
      text: 'the database refuses the user or its password',
      advice:
        'was the password rotated? emr restart ENV SERVICE; else compare the entry in Secrets Manager with the user',
    },
  ],
  [
    /certificate (verify failed|has expired)|self.signed certificate|SSL (error|connection)|UNABLE_TO_VERIFY/i,
    {
      code: 'tls',
      text: 'TLS to the database fails',
      advice: 'use the current RDS certificate bundle, and the name that it is made out to: emr outputs ENV',
    },
  ],
  [
    /ETIMEDOUT|i\/o timeout|connection timed out|timeout expired/i,
    {
      code: 'timeout',
      text: 'the database does not answer: a security group or a route is in the way',
      advice: `compare the security groups of the nodes and of RDS, port 5432, and the routes; ${TRY}`,
    },
  ],
  [
    /ECONNREFUSED|connection refused/i,
    {
      code: 'refused',
      text: 'the database refuses connections: the address is right, and nothing listens there',
      advice: `look at the status of the RDS instance, and at host and port; ${TRY}`,
    },
  ],
]
const ABOUT_DATABASE = /database|postgres|\bpg\b|5432|sql/i

/** A driver that finds its way back says it once or twice. */
const FAILING_LINES = 3

/** What the recent log of a pod that serves tells of its database, when it tells so again and again. */
export function databaseTrouble(lines: readonly string[]): (DatabaseCause & { lines: string[] }) | undefined {
  const telling = lines.filter((line) => databaseCause([line]) !== undefined)
  const cause = telling.length < FAILING_LINES ? undefined : databaseCause(telling.slice(-1))
  return cause && { ...cause, lines: telling }
}

/** A failure whose log tells of the database, with what that says to do. No database takes a program's memory. */
export function explainedBy<Found extends { code: string; advice: string }>(
  finding: Found,
  lines: readonly string[],
): Found & { database?: DatabaseCause } {
  const database = finding.code === 'OUT_OF_MEMORY' ? undefined : databaseCause(lines)
  return database ? { ...finding, database, advice: `${database.text}: ${database.advice}` } : finding
}

/** The first line of a log that tells of a failing connection to a database. */
export function databaseCause(lines: readonly string[]): DatabaseCause | undefined {
  for (const line of lines) {
    if (!ABOUT_DATABASE.test(line)) continue
    const cause = CAUSES.find(([pattern]) => pattern.test(line))?.[1]
    if (cause) return { ...cause, line }
  }
  return undefined
}
