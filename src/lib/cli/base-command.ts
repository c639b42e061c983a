import { Command, type Errors, Flags } from '@oclif/core'
import { ExitCode, nearest } from '../errors.ts'
import { printDocument } from '../output/document.ts'
import { printNote, printResult } from '../output/door.ts'
import { asEmrError, errorDocument, errorView } from '../output/error-view.ts'
import { usageError } from './flags.ts'
import { processInterrupt } from './interrupt.ts'

/** What a command hands down beside its flags. */
export interface CommandContext {
  /** Aborted when the user or the CI system asks the command to stop. */
  signal: AbortSignal
  /** Somebody can be asked. */
  interactive: boolean
}

/** One result for both views of it. */
export interface Report<T> {
  /** What --json prints. */
  document: T
  text: string
  /** Default 0. */
  exitCode?: ExitCode
}

/** What every command has: the configuration flag, `--json`, one abort signal, and one way to fail. */
export abstract class BaseCommand extends Command {
  static override enableJsonFlag = true
  static override baseFlags = {
    config: Flags.string({
      summary: 'configuration file (default: emr.config.yaml, looked for upwards)',
      env: 'EMR_CONFIG',
      helpGroup: 'GLOBAL',
      helpValue: 'FILE',
    }),
    color: Flags.boolean({
      summary: 'colours (default: when the output is a terminal; NO_COLOR and FORCE_COLOR count)',
      allowNo: true,
      helpGroup: 'GLOBAL',
    }),
  }

  readonly #interrupt = processInterrupt()

  /** Aborted when the user or the CI system asks the command to stop. */
  protected get signal(): AbortSignal {
    return this.#interrupt.signal
  }

  protected get context(): CommandContext {
    return {
      signal: this.signal,
      interactive: process.stdin.isTTY === true && !process.env.CI && !this.jsonEnabled(),
    }
  }

  /** Whatever came while the command was loaded counts. */
  override async init(): Promise<void> {
    await super.init()
    this.signal.throwIfAborted()
  }

  /** Shows a result: the text for people, or with --json the document (which oclif prints). */
  protected report<T>({ document, text, exitCode }: Report<T>): T {
    if (text !== '' && !this.jsonEnabled()) printResult(text)
    if (exitCode !== undefined) process.exitCode = exitCode
    return document
  }

  override logJson(json: unknown): void {
    printDocument(json)
  }

  override async catch(thrown: Error): Promise<void> {
    const error = asEmrError(this.#asUsageError(thrown), this.signal)
    process.exitCode = error.exitCode
    printNote(`${errorView(error, isDebug())}`)
    if (this.jsonEnabled()) this.logJson(errorDocument(error))
  }

  override async finally(): Promise<void> {
    this.#interrupt.release()
  }

  /** oclif's parse errors, with the nearest flag that exists. Its own JSON view would print the parsed input. */
  #asUsageError(error: Error & Partial<Errors.CLIError> & { flags?: string[] }): unknown {
    if (!('parse' in error) && error.oclif?.exit !== ExitCode.usage) return error
    const known = Object.keys({ ...this.ctor.baseFlags, ...this.ctor.flags })
    const hints = (error.flags ?? []).flatMap((flag) => {
      const close = nearest(flag.replace(/^-+/, ''), known)
      return close ? [`did you mean '--${close}'?`] : []
    })
    const [text = ''] = error.message.split('\nSee more help')
    const message = text
      .replace(/^The following errors? occurred:\s*/, '')
      .split('\n')
      .map((line) => line.trim())
      .filter(Boolean)
      .join(': ')
    return usageError(message, [...hints, `emr ${this.id?.replaceAll(':', ' ')} --help`])
  }
}

export function isDebug(): boolean {
  return Boolean(process.env.DEBUG || process.env.EMR_DEBUG)
}
