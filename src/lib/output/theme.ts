import { Chalk, type ChalkInstance, chalkStderr } from 'chalk'
import { ownStyle } from './door.ts'

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
  const prefixes = [cyan, green, magenta, yellow, blue, white].map(own)
  return {
    good: own(chalk.green),
    bad: own(chalk.red),
    warn: own(chalk.yellow),
    added: own(chalk.green),
    removed: own(chalk.red),
    changed: own(chalk.yellow),
    strong: own(chalk.bold),
    faint: own(chalk.dim),
    inverse: own(chalk.inverse),
    prefix: (text, index) => prefixes[index % prefixes.length]?.(text) ?? text,
  }
}

/** A style of chalk's that the door knows for emr's own. Within it, the end of another one like it begins it anew. */
function own(style: ChalkInstance): (text: string) => string {
  const [open = '', close = ''] = style('|').length > 1 ? style('|').split('|').map(ownStyle) : []
  if (open === '') return (text) => text
  return (text) => {
    const kept = text.replaceAll(close, close + open).replaceAll('\n', `${close}\n${open}`)
    return text === '' ? '' : `${open}${kept}${close}`
  }
}

export const stdoutTheme: Theme = themeOf(plain ?? new Chalk())
export const stderrTheme: Theme = themeOf(plain ?? chalkStderr)

/** For a terminal whose character set is in doubt, the ASCII signs of `TERM=linux` and old Windows consoles. */
export const symbols = { good: '✔', bad: '✖', warn: '▲', skipped: '↓', running: '●', bullet: '•' } as const
