import { type Document, isMap, isNode, isPair, type LineCounter, type Node } from 'yaml'
import { z } from 'zod'
import { EmrError, ExitCode, nearest } from '../errors.ts'

export interface ConfigProblem {
  /** Dotted path of the setting; empty for the file as a whole. */
  path: string
  /** Counted from 1. */
  line: number
  column: number
  message: string
  /** The environment variable that sets it, where it is not the file that is wrong. */
  variable?: string
}

/** The configuration cannot be used; holds every problem that was found, not only the first. */
export class ConfigError extends EmrError {
  constructor(
    file: string,
    problems: ConfigProblem[],
    { what = 'The configuration', suggestions = ['emr config validate'] } = {},
  ) {
    const lines = problems.map(({ path, line, column, message, variable }) => {
      if (variable !== undefined) return `  ${variable}: ${message}`
      return `  ${file}:${line}:${column}  ${path === '' ? '' : `${path}: `}${message}`
    })
    const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`
    super([`${what} has ${count}:`, ...lines].join('\n'), {
      code: 'CONFIG_INVALID',
      exitCode: ExitCode.config,
      details: { file, problems },
      suggestions,
    })
    this.name = 'ConfigError'
  }

  /** The same problems with other advice, for the command that its own advice names. */
  advising(suggestions: string[]): ConfigError {
    const { file, problems } = this.details as { file: string; problems: ConfigProblem[] }
    return new ConfigError(file, problems, { suggestions })
  }
}

/** Finds out where in the YAML text each problem of a validation stands. */
export class ProblemLocator {
  readonly #document: Document
  readonly #lines: LineCounter

  constructor(document: Document, lines: LineCounter) {
    this.#document = document
    this.#lines = lines
  }

  /** The problem at the value of a path, or at the nearest parent that the file has. */
  at(path: readonly PropertyKey[], message: string): ConfigProblem {
    return this.#problem(path, message, this.#offset(path))
  }

  /** The problem at an offset of the text. */
  atOffset(offset: number, message: string): ConfigProblem {
    return this.#problem([], message, offset)
  }

  /** The line, counted from 1, where the file sets this path; undefined where it does not. */
  lineOf(path: readonly PropertyKey[]): number | undefined {
    const node = this.#document.getIn(path, true)
    return isNode(node) && node.range ? this.#lines.linePos(node.range[0]).line : undefined
  }

  fromSyntax({
    code,
    message,
    pos,
  }: {
    code: string
    message: string
    pos: [number, number]
  }): ConfigProblem {
    const words = code === 'DUPLICATE_KEY' ? 'this key stands twice' : (message.split('\n')[0] ?? '')
    return this.#problem([], words.replace(/ at line \d+.*$/, ''), pos[0])
  }

  fromIssue(issue: z.core.$ZodIssue, schema: z.ZodType): ConfigProblem[] {
    if (issue.code === 'unrecognized_keys') {
      const known = keysAt(schema, issue.path)
      return issue.keys.map((key) => {
        const close = nearest(key, known)
        const hint = close ? `did you mean '${close}'?` : known.length > 0 ? `known: ${known.join(', ')}` : ''
        const offset = this.#keyOffset(issue.path, key)
        return this.#problem([...issue.path, key], `unknown key${hint && `; ${hint}`}`, offset)
      })
    }
    if (issue.code === 'invalid_union') {
      const meant = issue.errors.filter(
        (errors) => !errors.some((e) => e.code === 'unrecognized_keys' && e.path.length === 0),
      )
      const branch = meant.length === 1 ? meant[0] : undefined
      if (branch) {
        return branch.flatMap((inner) =>
          this.fromIssue({ ...inner, path: [...issue.path, ...inner.path] }, schema),
        )
      }
    }
    if (issue.code === 'invalid_key') {
      const why = issue.issues[0]?.message ?? issue.message
      return [
        this.#problem(issue.path, why, this.#keyOffset(issue.path.slice(0, -1), String(issue.path.at(-1)))),
      ]
    }
    return [this.at(issue.path, issue.message)]
  }

  #problem(path: readonly PropertyKey[], message: string, offset: number): ConfigProblem {
    const { line, col } = this.#lines.linePos(offset)
    return { path: path.map(String).join('.'), line: Math.max(line, 1), column: Math.max(col, 1), message }
  }

  #offset(path: readonly PropertyKey[]): number {
    for (let length = path.length; length > 0; length -= 1) {
      const node = this.#document.getIn(path.slice(0, length), true)
      if (isNode(node) && node.range) {
        return length === path.length
          ? node.range[0]
          : this.#keyOffset(path.slice(0, length - 1), String(path[length - 1]))
      }
    }
    return this.#document.contents?.range?.[0] ?? 0
  }

  #keyOffset(path: readonly PropertyKey[], key: string): number {
    const map = path.length === 0 ? this.#document.contents : this.#document.getIn(path, true)
    const pair = isMap(map)
      ? map.items.find((item) => isPair(item) && String((item.key as Node | null)?.toJSON()) === key)
      : undefined
    return (pair?.key as Node | undefined)?.range?.[0] ?? this.#offset(path)
  }
}

/** The keys that a strict object of the schema takes at this path. */
function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let node = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema
  for (const part of path) {
    const branches: JsonSchema[] = node.anyOf ?? [node]
    const next = branches
      .map((branch) => branch.properties?.[String(part)] ?? branch.additionalProperties ?? branch.items)
      .find((found) => typeof found === 'object')
    if (next === undefined) return []
    node = next
  }
  return (node.anyOf ?? [node]).flatMap((branch) => Object.keys(branch.properties ?? {}))
}

interface JsonSchema {
  anyOf?: JsonSchema[]
  properties?: Record<string, JsonSchema>
  additionalProperties?: JsonSchema | boolean
  items?: JsonSchema
}
