/** The colours of a dark terminal, by their ANSI number from 0 to 7; the bright ones are the same here. */
const COLOURS = ['#7d8590', '#ff7b72', '#3fb950', '#d29922', '#58a6ff', '#bc8cff', '#39c5cf', '#e6edf3']
const FOREGROUND = '#e6edf3'
const BACKGROUND = '#0d1117'
const FONT_SIZE = 13
const CELL = { width: 7.8, height: 18 }
const MARGIN = 16

interface Style {
  colour?: string
  bold?: boolean
  faint?: boolean
}

interface Cell extends Style {
  character: string
}

/**
 * A terminal's screen as a picture: text that can be selected and searched, each word at its column whatever font the
 * reader has.
 * @param screen lines with ANSI sequences for colours, as `tmux capture-pane -e` gives them
 * @param options.columns longer lines are wrapped there, as a terminal does
 */
export function terminalSvg(
  screen: string,
  options: { title: string; description: string; columns: number },
): string {
  const rows = cellRows(screen).flatMap((row) => wrapped(row, options.columns))
  const width = Math.ceil(options.columns * CELL.width + 2 * MARGIN)
  const height = rows.length * CELL.height + 2 * MARGIN
  const lines = rows.flatMap((row, index) => texts(row, MARGIN + (index + 0.75) * CELL.height))
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="title description">
<title id="title">${escaped(options.title)}</title>
<desc id="description">${escaped(options.description)}</desc>
<rect width="100%" height="100%" rx="8" fill="${BACKGROUND}"/>
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="${FONT_SIZE}" fill="${FOREGROUND}">
${lines.join('\n')}
</g>
</svg>
`
}

function cellRows(screen: string): Cell[][] {
  let style: Style = {}
  return screen.split('\n').map((line) => {
    const cells: Cell[] = []
    // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one.
    for (const part of line.trimEnd().split(/(\u001b\[[\d;]*m)/)) {
      if (part.startsWith('\u001b[')) style = styled(style, part.slice(2, -1).split(';').map(Number))
      else cells.push(...[...part].map((character) => ({ character, ...style })))
    }
    return cells
  })
}

/** Select Graphic Rendition, as far as emr uses it: bold, faint, 16 colours and their ends. */
function styled(style: Style, codes: number[]): Style {
  let next = style
  for (const code of codes) {
    if (code === 0) next = {}
    else if (code === 1) next = { ...next, bold: true }
    else if (code === 2) next = { ...next, faint: true }
    else if (code === 22) next = { colour: next.colour }
    else if (code === 39) next = { ...next, colour: undefined }
    else if ((code >= 30 && code <= 37) || (code >= 90 && code <= 97)) {
      next = { ...next, colour: COLOURS[code % 10] }
    }
  }
  return next
}

function wrapped(row: Cell[], columns: number): Cell[][] {
  if (row.length <= columns) return [row]
  return [row.slice(0, columns), ...wrapped(row.slice(columns), columns)]
}

/** One `<text>` for each stretch of cells of the same style; blanks are left out, as renderers fold them. */
function texts(row: Cell[], y: number): string[] {
  const elements: string[] = []
  for (let start = 0; start < row.length; ) {
    let end = start + 1
    while (end < row.length && sameStyle(row[start], row[end])) end += 1
    const run = row.slice(start, end).map(({ character }) => character)
    for (const { 0: text, index } of run.join('').matchAll(/\S+( \S+)*/g)) {
      elements.push(textElement(text, start + index, y, row[start] ?? {}))
    }
    start = end
  }
  return elements
}

function sameStyle(a: Style | undefined, b: Style | undefined): boolean {
  return a?.colour === b?.colour && a?.bold === b?.bold && a?.faint === b?.faint
}

function textElement(text: string, column: number, y: number, { colour, bold, faint }: Style): string {
  const x = MARGIN + column * CELL.width
  const style = [
    colour ? ` fill="${colour}"` : '',
    bold ? ' font-weight="bold"' : '',
    faint ? ' opacity="0.65"' : '',
  ].join('')
  const length = (text.length * CELL.width).toFixed(1)
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" textLength="${length}" lengthAdjust="spacingAndGlyphs"${style}>${escaped(text)}</text>`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
