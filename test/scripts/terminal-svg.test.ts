import { expect, test } from 'vitest'
import { terminalSvg } from '../../scripts/terminal-svg.ts'

const ESC = '\u001b'

/** Each text with its attributes, in order. */
function texts(screen: string, columns = 80) {
  const svg = terminalSvg(screen, { title: 'T', description: 'D', columns })
  return [...svg.matchAll(/<text ([^>]*)>([^<]*)<\/text>/g)].map(([, attributes = '', text]) => ({
    text,
    attributes,
  }))
}

test('words stand at their columns, and wide gaps are gaps', () => {
  const [first, second] = texts('ab   cd e')
  expect(first).toMatchObject({ text: 'ab', attributes: expect.stringContaining('x="16.0"') })
  expect(second).toMatchObject({ text: 'cd e', attributes: expect.stringContaining('x="55.0"') })
})

test('colours, bold and faint begin and end where the terminal says so', () => {
  const [good, plain, strong, faint, last] = texts(
    `${ESC}[32mgood${ESC}[39m plain ${ESC}[1mstrong${ESC}[0;2m faint${ESC}[0m last`,
  )
  expect(good?.attributes).toContain('fill="#3fb950"')
  expect(plain?.attributes).not.toContain('fill')
  expect(strong?.attributes).toContain('font-weight="bold"')
  expect(faint?.attributes).toContain('opacity')
  expect(faint?.attributes).not.toContain('bold')
  expect(last?.attributes).not.toContain('opacity')
})

test('a colour goes on in the next line', () => {
  expect(texts(`${ESC}[31mone\ntwo${ESC}[39m`)[1]?.attributes).toContain('fill="#ff7b72"')
})

test('a long line is wrapped at the last column', () => {
  expect(texts('abcdefghij', 4).map(({ text }) => text)).toEqual(['abcd', 'efgh', 'ij'])
})

test('what XML would read is escaped', () => {
  expect(texts('<a> & b')[0]?.text).toBe('&lt;a&gt; &amp; b')
})
