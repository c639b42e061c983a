import { randomInt } from 'node:crypto'

/** Without vowels, so that no words come out: the alphabet of k8s.io/apimachinery/pkg/util/rand. */
const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789'

/** What the server appends to generateName. */
export function randomSuffix(length = 5): string {
  return Array.from({ length }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')
}

/** A number in the same alphabet, digit by digit: how ReplicaSet hashes are made safe for names. */
export function safeEncode(text: string): string {
  return [...text].map((character) => ALPHABET[character.charCodeAt(0) % ALPHABET.length]).join('')
}
