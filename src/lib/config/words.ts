import type { z } from 'zod'

type RawIssue = z.core.$ZodRawIssue

/** What to write where a value of another type stands. */
const TYPES: Record<string, string> = {
  string: 'write a text',
  number: 'write a number',
  int: 'write a whole number',
  boolean: 'write true or false',
  array: 'write a list such as [a, b]',
  object: 'write keys with their values, such as {key: value}',
  record: 'write keys with their values, such as {key: value}',
}

/**
 * What is wrong with a value and what to write instead, for the schemas that have no words of their own.
 * @returns undefined where the problem is not one of a value
 */
export function issueInWords(issue: RawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return typeInWords(issue.expected, issue.input)
    case 'invalid_value':
      return `write ${issue.values.length === 1 ? '' : 'one of: '}${issue.values.join(', ')}`
    case 'too_small':
      return boundInWords(issue.origin, Number(issue.minimum), issue.inclusive ? 'at least' : 'more than')
    case 'too_big':
      return boundInWords(issue.origin, Number(issue.maximum), issue.inclusive ? 'at most' : 'less than')
    case 'invalid_format':
      return issue.format === 'url' ? 'write a URL such as https://api.example.com' : undefined
    default:
      return undefined
  }
}

function typeInWords(expected: string, input: unknown): string | undefined {
  if (input === undefined) return 'is missing'
  const words = TYPES[expected]
  if (words === undefined) return undefined
  if (input === null) return `nothing stands here; ${words}`
  const isScalar = typeof input === 'number' || typeof input === 'boolean'
  return expected === 'string' && isScalar ? `write a text, in quotes: "${input}"` : words
}

function boundInWords(origin: string, bound: number, relation: string): string {
  if (origin === 'string') return bound === 1 ? 'must not be empty' : `write ${relation} ${bound} characters`
  if (origin === 'array') return bound === 1 ? 'name at least one' : `name ${relation} ${bound}`
  return `write a number of ${relation} ${bound}`
}
