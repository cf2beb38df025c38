import { type Duration, type Instant, later, minutes, toInstant } from '../api/values/time.ts'
import type { Clock } from './clock.ts'

/** Less than this is no jump: corrections of a second and what two readings lie apart. */
const TOLERANCE = 2_000

export interface CautiousClockOptions {
  /** The wall clock, which somebody may set. */
  wall: Clock
  /** Runs on whatever is done to the wall clock. */
  monotonic: Clock
  /**
   * How long a wall clock that jumped is not believed; an hour if not given. As long as a lease, and addresses that rest
   * when the clock is set forward rest to their end all the same; and what is written when it is set back is no older for
   * others than it should be.
   */
  believedAfter?: Duration
}

/** The time of day, for what must not be cut short because somebody sets the clock. */
export function createCautiousClock(options: CautiousClockOptions): Clock {
  const { wall, monotonic, believedAfter = minutes(60) } = options
  const measure = () => wall.now() - monotonic.now()
  let offset = measure()
  let jumpedAt: Instant | undefined

  return {
    now() {
      const now = monotonic.now()
      const measured = measure()
      const isOff = Math.abs(measured - offset) > TOLERANCE
      if (!isOff) jumpedAt = undefined
      else jumpedAt ??= now
      // Small corrections are followed at once, but time does not go back for them.
      if (!isOff) offset = Math.max(offset, measured)
      if (jumpedAt !== undefined && later(jumpedAt, believedAfter) <= now) {
        offset = measured
        jumpedAt = undefined
      }
      return toInstant(now + offset)
    },
    after: wall.after,
  }
}
