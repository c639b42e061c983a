import type { Evidence } from './evaluate.ts'

/** Advice whose commands can be typed as they stand: with the names of the environment and of the service. */
export function withNames<Found extends { advice: string; service?: string; more?: Evidence[] }>(
  finding: Found,
  environment: string,
  service = finding.service ?? 'SERVICE',
): Found {
  const { more } = finding
  const named = (advice: string) =>
    advice.replaceAll(/\bENV(IRONMENT)?\b/g, environment).replaceAll(/\bSERVICE\b/g, service)
  return {
    ...finding,
    advice: named(finding.advice),
    ...(more && { more: more.map((each) => ({ ...each, advice: named(each.advice) })) }),
  }
}
