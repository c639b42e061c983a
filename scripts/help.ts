import { type Config, Help } from '@oclif/core'

/** Lines are as wide as oclif makes them where it does not know the terminal. */
const WIDTH = 80

/** The text of `--help` for each command, by what is typed; '' is the program itself. */
export async function helpTexts(config: Config): Promise<Record<string, string>> {
  const texts: Record<string, string> = { '': await captured(config, []) }
  for (const { id } of config.commands.filter(({ hidden }) => !hidden))
    texts[id.replaceAll(':', ' ')] = await captured(config, id.split(':'))
  for (const { name } of config.topics)
    texts[name.replaceAll(':', ' ')] ??= await captured(config, name.split(':'))
  return Object.fromEntries(Object.entries(texts).sort(([a], [b]) => a.localeCompare(b)))
}

async function captured(config: Config, words: string[]): Promise<string> {
  const lines: string[] = []
  class CapturedHelp extends Help {
    protected override log(...parts: string[]): void {
      lines.push(parts.join(' '))
    }
  }
  // oclif writes blanks into the id of each command that it shows, and then finds the command in no topic.
  const ids = config.commands.map((command) => ({ command, id: command.id }))
  await new CapturedHelp(config, { maxWidth: WIDTH, stripAnsi: true }).showHelp(words)
  for (const { command, id } of ids) command.id = id
  return lines.map((line) => `${line}\n`).join('')
}
