/**
 * What PostgreSQL says of an error, without the values of rows: a value may be of a patient. What is not known to be safe
 * goes, so that a message of a kind that nobody thought of shows too little, never too much.
 */

/** Words after which a quoted word is a name; any other may be a value. */
const NAMES =
  'access method|attribute|catalog|class|collation|column|columns|configuration|constraint|conversion|database|dictionary|domain|encoding|event|extension|family|file|from|function|group|host|index|index row|key|language|large object|library|locale|method|namespace|operator|option|parameter|parser|partition|policy|procedure|publication|relation|role|rule|schema|section|sequence|server|server at|setting|slot|statistics object|subscription|table|tablespace|template|trigger|type|user|version|view'
/** Up to the first quoted word that is no name; what follows may still be of that value, which can have quotes of its own. */
const SAFE = new RegExp(`^(?:[^"]*\\b(?:${NAMES}) "[^"]*")*[^"]*`)
const BYTES = /0x[0-9a-f]{2}(?: 0x[0-9a-f]{2})*/gi

/** The message of an error, up to the first value in it. */
export function withoutValues(message: string): string {
  const [safe = ''] = SAFE.exec(message) ?? []
  return `${safe}${safe === message ? '' : '"***"'}`.replaceAll(BYTES, '***')
}

/** Each message of a program begins so, each part of one that the server sent with its own word; a lost server is told bare. */
const MESSAGE =
  /^(?:pg_\w+|psql): |^connection to server |^(?:FATAL: +)?(?:terminating connection|the database system is|server closed the connection) /
const STATEMENT = /^(?:pg_\w+: detail: )?Command was: /
const KEY = /^DETAIL: +Key \((.+?)\)=\(/
const COPY = /^(?:CONTEXT: +)?(COPY [^:]+, line \d+(?:, column [^:]+)?)/
/** What code of the database raises is in its own words. */
const RAISED = / at RAISE$/m
const RAISED_MESSAGE = /((?:ERROR|FATAL|NOTICE|WARNING): +).*/

/**
 * What a program of PostgreSQL wrote to stderr: messages up to the first value, the columns of a key, table, line and column
 * of a COPY, the statement. Everything else goes, with all the lines that it has.
 */
export function withoutRowValues(stderr: string): string {
  const isRaised = RAISED.test(stderr)
  const kept: string[] = []
  let inStatement = false
  for (const line of stderr.split('\n')) {
    const isStatement = STATEMENT.test(line)
    inStatement = isStatement || (inStatement && !/^(?:pg_\w+: |DETAIL: |CONTEXT: |HINT: )/.test(line))
    const key = KEY.exec(line)?.[1]
    const copy = COPY.exec(line)?.[1]
    if (inStatement) kept.push(line)
    else if (MESSAGE.test(line))
      kept.push(withoutValues(isRaised ? line.replace(RAISED_MESSAGE, '$1***') : line))
    else if (key !== undefined) kept.push(`DETAIL:  Key (${key})=(***)`)
    else if (copy !== undefined) kept.push(`CONTEXT:  ${copy}`)
  }
  return kept.join('\n')
}
