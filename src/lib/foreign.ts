import { EmrError, ExitCode } from './errors.ts'

/**
 * Reads what another program has written, as JSON. What is wrong with it is the other program's fault, and is said
 * without a word of its text: that may hold secrets.
 * @param what wrote it, as in `helm status`
 * @param read takes the parsed JSON apart
 * @throws {EmrError} ANSWER_INVALID (exit 5)
 */
export function foreignJson<T>(what: string, text: string, read: (json: unknown) => T): T {
  try {
    return read(JSON.parse(text))
  } catch (error) {
    // What reads it may know better.
    if (error instanceof EmrError) throw error
    throw new EmrError(`Cannot read the output of ${what}: ${reasonOf(error)}`, {
      code: 'ANSWER_INVALID',
      exitCode: ExitCode.tool,
      suggestions: ['emr doctor'],
    })
  }
}

/** Why text from outside could not be read; its own words are left out. */
function reasonOf(error: unknown): string {
  if (error instanceof SyntaxError) return 'it is not JSON'
  const { issues } = Object(error) as { issues?: { path: PropertyKey[]; code?: string }[] }
  const paths = (issues ?? []).map(({ path }) => path.join('.') || 'the whole of it')
  return paths.length > 0 ? `unexpected: ${paths.slice(0, 5).join(', ')}` : 'it is not as expected'
}
