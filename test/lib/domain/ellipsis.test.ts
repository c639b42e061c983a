import { expect, test } from 'vitest'
import { withEllipsis } from '../../../src/lib/domain/ellipsis.ts'

test('what is cut shows that it was', () => {
  expect(withEllipsis('unschedulable', 13)).toBe('unschedulable')
  expect(withEllipsis('unschedulable', 6)).toBe('unsch…')
})
