import { type Interfaces, run } from '@oclif/core'
import { COMMANDS } from './commands/index.ts'
import { isDebug } from './lib/cli/base-command.ts'
import { usageError } from './lib/cli/flags.ts'
import { processInterrupt } from './lib/cli/interrupt.ts'
import { surviveLostOutput } from './lib/cli/stdout.ts'
import { nearest } from './lib/errors.ts'
import { printDocument, printDocumentNow } from './lib/output/document.ts'
import { printNote } from './lib/output/door.ts'
import { asEmrError, errorDocument, errorView } from './lib/output/error-view.ts'

export { COMMANDS }

const HELP_FLAGS = ['--help', '-h']

/**
 * The whole program. Commands show their own errors; what arrives here went wrong before a command was found.
 * @param root folder of package.json
 */
export async function main(argv: string[], root: string, pjson?: Interfaces.PJSON): Promise<void> {
  surviveLostOutput()
  const json = argv.includes('--json')
  const interrupt = processInterrupt((error) => {
    printNote(`${error.message}.`)
    if (json) printDocumentNow(errorDocument(error))
  })
  const words = argv[0] === 'help' ? [...argv.slice(1), '--help'] : commandFirst(argv)
  try {
    if (isBareTopic(words)) throw unknownCommand(words)
    await run(words, { root, pjson })
  } catch (thrown) {
    const { oclif, code } = thrown as { oclif?: { exit?: number }; code?: string }
    // oclif's way of leaving after --help.
    if (code === 'EEXIT') {
      process.exitCode = oclif?.exit ?? 0
      return
    }
    const error = asEmrError(
      /^command .* not found\.?$/im.test(String((thrown as Error).message)) ? unknownCommand(words) : thrown,
      interrupt.signal,
    )
    process.exitCode = error.exitCode
    printNote(`${errorView(error, isDebug())}`)
    if (json) printDocument(errorDocument(error))
  }
}

/** Global flags may stand before the command (`emr --json doctor`); oclif looks for the command in the first place. */
function commandFirst(argv: string[]): string[] {
  let flags = 0
  while (argv[flags]?.startsWith('-') && argv[flags] !== '--') flags += argv[flags] === '--config' ? 2 : 1
  return flags >= argv.length ? argv : [...argv.slice(flags), ...argv.slice(0, flags)]
}

/** `emr sandbox` alone shows help as `emr` does; with flags both are a command that is not complete. */
function isBareTopic(words: string[]): boolean {
  const typed = words.filter((word) => !word.startsWith('-'))
  const isTopic = Object.keys(COMMANDS).some((id) => id.startsWith(`${typed.join(':')}:`))
  return isTopic && words.length > typed.length && !words.some((word) => HELP_FLAGS.includes(word))
}

/** What takes something away is never a suggestion: it may be typed as it stands, in a hurry. */
const DESTRUCTIVE = [
  'destroy',
  'db-backup prune',
  'db-backup restore',
  'sandbox reset',
  'sandbox stop',
  'unlock',
]

function unknownCommand(words: string[]) {
  const typed = words.filter((word) => !word.startsWith('-'))
  if (typed.length === 0) return usageError('No command is named', ['emr --help'])
  if (isBareTopic(words)) {
    return usageError(`No command of 'emr ${typed.join(' ')}' is named`, [`emr ${typed.join(' ')} --help`])
  }
  const known = Object.keys(COMMANDS)
    .map((id) => id.replaceAll(':', ' '))
    .filter((command) => !DESTRUCTIVE.includes(command))
  // What follows the command's name may be an environment or a service.
  const close = [typed.slice(0, 2), typed.slice(0, 1)]
    .map((part) => nearest(part.join(' '), known))
    .find(Boolean)
  return usageError(`There is no command 'emr ${typed.join(' ')}'`, [
    ...(close ? [`emr ${close}`] : []),
    'emr --help',
  ])
}
