import { randomBytes } from 'node:crypto'
import { timestamp } from '../domain/timestamp.ts'

/** Of an operation, and of what it makes; sorts by time: `20260314T031500Z-9f2c`. */
export function operationId(): string {
  return `${timestamp(Date.now()).replaceAll(/[-:]/g, '')}-${randomBytes(2).toString('hex')}`
}
