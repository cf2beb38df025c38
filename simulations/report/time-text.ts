const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

const twoDigits = (n: number) => String(n).padStart(2, '0')

/** A moment of the simulation: `+0:12:03.250`. */
export function formatMoment(ms: number): string {
  const whole = Math.floor(ms)
  return `+${formatClock(whole)}.${String(whole % SECOND).padStart(3, '0')}`
}

/** `0:12:03` */
export function formatClock(ms: number): string {
  const seconds = Math.floor(ms / SECOND)
  const minutes = Math.floor(seconds / 60)
  return `${Math.floor(minutes / 60)}:${twoDigits(minutes % 60)}:${twoDigits(seconds % 60)}`
}

/** A length of time, its two largest units: `250 ms`, `1.5 s`, `4 min 30 s`, `2 h`, `1 d 2 h`. */
export function formatLength(ms: number): string {
  if (ms < SECOND) return `${Math.round(ms)} ms`
  if (ms < MINUTE) return `${Math.floor(ms / 100) / 10} s`
  if (ms < HOUR) return twoUnits(ms, MINUTE, 'min', SECOND, 's')
  if (ms < DAY) return twoUnits(ms, HOUR, 'h', MINUTE, 'min')
  return twoUnits(ms, DAY, 'd', HOUR, 'h')
}

function twoUnits(ms: number, large: number, largeName: string, small: number, smallName: string): string {
  const rest = Math.floor((ms % large) / small)
  return `${Math.floor(ms / large)} ${largeName}${rest === 0 ? '' : ` ${rest} ${smallName}`}`
}
