const SEQUENCES: Record<string, string> = {
  '\x1b[A': 'up',
  '\x1bOA': 'up',
  '\x1b[B': 'down',
  '\x1bOB': 'down',
  '\x1b[5~': 'page-up',
  '\x1b[6~': 'page-down',
  '\x1b[Z': 'back-tab',
  '\x1b': 'escape',
  '\t': 'tab',
  '\r': 'enter',
  '\n': 'enter',
  '\x7f': 'backspace',
  '\b': 'backspace',
  '\x03': 'ctrl-c',
  '\x1a': 'ctrl-z',
  ' ': 'space',
}

/** What was typed: names of special keys, other characters as they are. Unknown sequences are dropped. */
export function keysOf(input: string): string[] {
  const keys: string[] = []
  // biome-ignore lint/suspicious/noControlCharactersInRegex: keys are control characters
  for (const [part] of input.matchAll(/\x1b(?:\[[\d;?]*[A-Za-z~]|O[A-Z])|[\s\S]/gu)) {
    const name = SEQUENCES[part]
    if (name !== undefined) keys.push(name)
    else if (!part.startsWith('\x1b') && part >= ' ') keys.push(part)
  }
  return keys
}
