import { setFlagsFromString } from 'node:v8'

/**
 * Keeps V8's young generation at its size of now. It doubles whenever much survives in it, as it does while a large
 * list is read, up to 32 MB that are never given back: too much for a program that then runs for hours and makes little.
 */
export function keepYoungGenerationSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1')
}

/**
 * How far the heap may grow from one full collection to the next, what buffers hold included. V8's own choice for a small
 * heap is a factor of up to four: too far where buffers pass by the gigabyte and their memory is slow to come back, and
 * not far enough where nothing else is in the heap and each full collection is for nothing.
 * @param percent of what was left after the last one
 */
export function letHeapGrowBy(percent: number): void {
  setFlagsFromString(`--heap-growing-percent=${percent}`)
}
