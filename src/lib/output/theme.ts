import { Chalk, type ChalkInstance, chalkStderr } from 'chalk'

/** https://no-color.org; chalk itself knows the flags and FORCE_COLOR alone. */
const plain = process.env.NO_COLOR && !process.env.FORCE_COLOR ? new Chalk({ level: 0 }) : undefined

export interface Theme {
  good(text: string): string
  bad(text: string): string
  warn(text: string): string
  added(text: string): string
  removed(text: string): string
  changed(text: string): string
  strong(text: string): string
  faint(text: string): string
  inverse(text: string): string
  /** In one of six colours. */
  prefix(text: string, index: number): string
}

/** Meaning first: 16 colours at most, and never colour alone. */
function themeOf(chalk: ChalkInstance): Theme {
  const { cyan, green, magenta, yellow, blue, white } = chalk
  const prefixes = [cyan, green, magenta, yellow, blue, white]
  return {
    good: chalk.green,
    bad: chalk.red,
    warn: chalk.yellow,
    added: chalk.green,
    removed: chalk.red,
    changed: chalk.yellow,
    strong: chalk.bold,
    faint: chalk.dim,
    inverse: chalk.inverse,
    prefix: (text, index) => prefixes[index % prefixes.length]?.(text) ?? text,
  }
}

export const stdoutTheme: Theme = themeOf(plain ?? new Chalk())
export const stderrTheme: Theme = themeOf(plain ?? chalkStderr)

/** For a terminal whose character set is in doubt, the ASCII signs of `TERM=linux` and old Windows consoles. */
export const symbols = { good: '✔', bad: '✖', warn: '▲', skipped: '↓', running: '●', bullet: '•' } as const
