declare const instantBrand: unique symbol
declare const durationBrand: unique symbol

/** Milliseconds since the Unix epoch. */
export type Instant = number & { readonly [instantBrand]: 'Instant' }
/** A length of time in milliseconds. */
export type Duration = number & { readonly [durationBrand]: 'Duration' }

export class InvalidInstantError extends Error {
  override readonly name = 'InvalidInstantError'
  constructor(readonly text: string) {
    super(`"${text}" is not a time in RFC 3339 form such as 2024-02-15T13:17:21Z`)
  }
}

export const toInstant = (epochMilliseconds: number) => epochMilliseconds as Instant
export const milliseconds = (count: number) => count as Duration
export const seconds = (count: number) => (count * 1000) as Duration
export const minutes = (count: number) => (count * 60_000) as Duration

export const later = (instant: Instant, duration: Duration) => (instant + duration) as Instant
export const between = (from: Instant, to: Instant) => (to - from) as Duration

/** Whole seconds, rounded up: for ends that are written down, none of which may come early. */
export const wholeSecond = (instant: Instant) => (Math.ceil(instant / 1000) * 1000) as Instant

/** RFC 3339 in UTC with whole seconds, as Kubernetes' metav1.Time writes it. */
export function formatInstant(instant: Instant): string {
  return `${new Date(instant).toISOString().slice(0, 19)}Z`
}

/** @throws InvalidInstantError */
export function parseInstant(text: string): Instant {
  const value = Date.parse(text)
  if (Number.isNaN(value)) throw new InvalidInstantError(text)
  return value as Instant
}
